// Package jq runs jq expressions of other people's making on events, within limits of time and memory.
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
	// MaxOutput bounds what one run gives, in bytes of JSON.
	MaxOutput = 16 << 20
)

var (
	// ErrTimeout is returned by a run that did not end within [Timeout].
	ErrTimeout = fmt.Errorf("it did not end within %s", Timeout)
	// ErrOutput is returned by a run that gave more than [MaxOutput].
	ErrOutput = fmt.Errorf("it gave more than %d MiB", MaxOutput>>20)
)

// Output is one output of an expression.
type Output struct {
	// JSON is one line, without its line break, as jq writes it: NaN, which JSON has not, as null, and infinities as the
	// largest numbers.
	JSON json.RawMessage `json:"json"`
	// True says that it is neither false nor null.
	True bool `json:"true,omitempty"`
}

// Program is a compiled expression. It may be used from many goroutines at once.
type Program struct {
	text string
	code *gojq.Code
	// sandbox runs the expression, unless it is plain and the data small; nil runs it in this process.
	sandbox *Sandbox
	plain   bool
	strikes strikes
}

// Compile compiles an expression, which may use the named variables, such as $params. An error says what is wrong
// with the expression, in words that follow "the expression".
//
// The expression runs in this process. Some cannot be interrupted there, nor kept from filling the memory: for those
// of strangers there is [Sandbox.Compile].
func Compile(text string, variables ...string) (*Program, error) {
	query, err := parse(text)
	if err != nil {
		return nil, err
	}
	return compile(text, query, variables...)
}

func parse(text string) (*gojq.Query, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("is %d bytes long, at most %d are accepted", len(text), MaxLength)
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is no jq expression: %w", err)
	}
	return query, nil
}

func compile(text string, query *gojq.Query, variables ...string) (*Program, error) {
	code, err := gojq.Compile(query, gojq.WithVariables(variables))
	if err != nil {
		return nil, fmt.Errorf("does not compile: %w", err)
	}
	return &Program{text: text, code: code}, nil
}

// Outputs runs the expression on data, with the values of its variables in their order, and calls yield with each
// output, until that returns false. All of it takes at most [Timeout] and [MaxOutput], after which it returns
// [ErrTimeout] or [ErrOutput]; in a sandbox, which has no variables, also [ErrMemory]. One that was stopped in the sandbox
// several times in a row is left alone for a while, and fails at once with [ErrSuspended].
func (p *Program) Outputs(ctx context.Context, data json.RawMessage, values []any, yield func(Output) bool) error {
	if !p.needsSandbox(data) {
		return p.outputs(ctx, data, values, yield)
	}
	answer, err := p.boxed(ctx, request{Expression: p.text, Data: data})
	for _, output := range answer.Outputs {
		if !yield(output) {
			return nil
		}
	}
	return err
}

func (p *Program) outputs(ctx context.Context, data json.RawMessage, values []any, yield func(Output) bool) error {
	room := MaxOutput
	var failed error
	err := p.run(ctx, data, values, func(output any) bool {
		var encoded []byte
		if encoded, failed = gojq.Marshal(output); failed != nil {
			return false
		}
		if room -= len(encoded) + 1; room < 0 {
			failed = ErrOutput
			return false
		}
		return yield(Output{encoded, isTrue(output)})
	})
	if failed != nil {
		return failed
	}
	return err
}

// True reports whether the first output is neither false nor null. Its errors are those of Outputs.
func (p *Program) True(ctx context.Context, data json.RawMessage, values ...any) (bool, error) {
	if p.needsSandbox(data) {
		answer, err := p.boxed(ctx, request{Expression: p.text, Data: data, Truth: true})
		return answer.True, err
	}
	truth := false
	err := p.run(ctx, data, values, func(output any) bool {
		truth = isTrue(output)
		return false
	})
	return truth, err
}

func (p *Program) needsSandbox(data json.RawMessage) bool {
	return p.sandbox != nil && !(p.plain && len(data) <= maxPlainData)
}

func isTrue(output any) bool { return output != nil && output != false }

// run runs the expression in this process.
func (p *Program) run(ctx context.Context, data json.RawMessage, values []any, yield func(output any) bool) error {
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
