// Package jq runs jq expressions of other people's making on events, within limits.
//
// It says nothing about what an expression is for. Subscribers' filters, the command line and keys loaded from files
// run on it.
package jq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"
)

const (
	// MaxLength bounds an expression's text, in bytes.
	MaxLength = 4096
	// Timeout bounds one run of an expression.
	Timeout = 200 * time.Millisecond
)

// ErrTimeout is returned by a run that did not end within [Timeout].
var ErrTimeout = fmt.Errorf("it did not end within %s", Timeout)

// Program is a compiled expression. It may be used from many goroutines at once.
type Program struct{ code *gojq.Code }

// Compile compiles an expression, which may use the named variables, such as $params. An error says what is wrong
// with the expression, in words that follow "the expression".
func Compile(text string, variables ...string) (*Program, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("is %d bytes long, at most %d are accepted", len(text), MaxLength)
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is no jq expression: %w", err)
	}
	code, err := gojq.Compile(query, gojq.WithVariables(variables))
	if err != nil {
		return nil, fmt.Errorf("does not compile: %w", err)
	}
	return &Program{code}, nil
}

// Outputs runs the expression on data, with the values of its variables in their order, and calls yield with each
// output, until that returns false. All of it takes at most [Timeout], after which it returns [ErrTimeout].
func (p *Program) Outputs(ctx context.Context, data json.RawMessage, values []any, yield func(output any) bool) error {
	var input any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&input); err != nil {
		return fmt.Errorf("decode the event: %w", err)
	}
	boxed, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	outputs := p.code.RunWithContext(boxed, input, values...)
	for {
		output, ok := outputs.Next()
		if !ok {
			return nil
		}
		if err, failed := output.(error); failed {
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				return ErrTimeout
			}
			return err
		}
		if !yield(output) {
			return nil
		}
	}
}

// True reports whether the first output is neither false nor null.
func (p *Program) True(ctx context.Context, data json.RawMessage, values ...any) (bool, error) {
	truth := false
	err := p.Outputs(ctx, data, values, func(output any) bool {
		truth = output != nil && output != false
		return false
	})
	return truth, err
}

// Encode returns an output as one line of JSON, without its line break, as jq writes it: NaN, which JSON has
// not, as null, and infinities as the largest numbers.
func Encode(output any) ([]byte, error) { return gojq.Marshal(output) }
