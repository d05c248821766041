package consume

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const (
	// maxFilterLength bounds a filter's text, in bytes.
	maxFilterLength = 4096
	// filterTimeout bounds one run of a filter.
	filterTimeout = 200 * time.Millisecond
)

// Filter is a compiled jq expression; nil keeps everything. It may be used from many goroutines at once.
type Filter struct{ code *gojq.Code }

// CompileFilter compiles a filter and tries it on the key's example, so that one that does not end is refused
// before it meets an event. An empty text is nil. Faults are [*eventcore.Error] with invalid_filter.
func CompileFilter(text string, def *eventcore.KeyDefinition) (*Filter, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxFilterLength {
		return nil, invalidFilter(fmt.Sprintf("the filter is %d bytes long, at most %d are accepted", len(text), maxFilterLength), nil)
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, invalidFilter("the filter is no jq expression: "+err.Error(), err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, invalidFilter("the filter does not compile: "+err.Error(), err)
	}
	f := &Filter{code}
	example := def.Example
	if len(example) == 0 {
		example = json.RawMessage(`{}`)
	}
	if _, err := f.Keep(context.Background(), example); errors.Is(err, context.DeadlineExceeded) {
		return nil, invalidFilter(fmt.Sprintf("the filter did not end within %s on the key's example", filterTimeout), err)
	}
	return f, nil
}

// Keep reports whether data passes: whether the first output is neither false nor null. A run takes at most
// 200 ms.
func (f *Filter) Keep(ctx context.Context, data json.RawMessage) (bool, error) {
	if f == nil {
		return true, nil
	}
	keep := false
	err := f.Outputs(ctx, data, func(output any) bool {
		keep = output != nil && output != false
		return false
	})
	return keep, err
}

// Outputs runs the expression on data and calls yield with each output, until that returns false. All of it takes
// at most 200 ms.
func (f *Filter) Outputs(ctx context.Context, data json.RawMessage, yield func(output any) bool) error {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return fmt.Errorf("decode the event for the filter: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, filterTimeout)
	defer cancel()
	outputs := f.code.RunWithContext(ctx, value)
	for {
		output, ok := outputs.Next()
		if !ok {
			return nil
		}
		if err, failed := output.(error); failed {
			return err
		}
		if !yield(output) {
			return nil
		}
	}
}

func invalidFilter(message string, err error) error {
	return &eventcore.Error{
		Code: eventcore.CodeInvalidFilter, Message: message, Cause: err,
		Hint: `a filter is a jq expression on the event's data, such as .chat_type == "p2p"; describe_event_key shows the fields`,
	}
}

// filterFailed is beside an event that a filter could not judge; the event is delivered.
func filterFailed(err error) *eventcore.Error {
	reason := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		reason = fmt.Sprintf("it did not end within %s", filterTimeout)
	}
	return &eventcore.Error{
		Code: eventcore.CodeInvalidFilter, Message: "the filter failed on this event, which is delivered all the same: " + reason,
		Hint: "unsubscribe and subscribe again with a filter that copes with such an event", Cause: err,
	}
}
