package consume

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

// Filter is a compiled jq expression; nil keeps everything. It may be used from many goroutines at once.
type Filter struct{ program *jq.Program }

// CompileFilter compiles a filter and tries it on the key's example, so that one that does not end, or needs too much
// memory, is refused before it meets an event. An empty text is nil. What runs long or large runs in the sandbox; nil
// runs it in this process. Faults are [*eventcore.Error] with invalid_filter, or with internal if the sandbox cannot
// start.
func CompileFilter(ctx context.Context, text string, def *eventcore.KeyDefinition, sandbox *jq.Sandbox) (*Filter, error) {
	if text == "" {
		return nil, nil
	}
	program, err := sandbox.Compile(text)
	if err != nil {
		return nil, invalidFilter(def.Key, "the filter "+err.Error(), err)
	}
	example := def.Example
	if len(example) == 0 {
		example = json.RawMessage(`{}`)
	}
	switch _, err := program.True(ctx, example); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, jq.ErrStart):
		return nil, noSandbox("the filter could not be tried: ", err)
	case errors.Is(err, jq.ErrTimeout), errors.Is(err, jq.ErrMemory):
		return nil, invalidFilter(def.Key, "the filter cannot be used on the key's example: "+err.Error(), err)
	}
	return &Filter{program}, nil
}

// Keep reports whether data passes: whether the first output is neither false nor null. A run has the
// limits of [jq.Program.True].
func (f *Filter) Keep(ctx context.Context, data json.RawMessage) (bool, error) {
	if f == nil {
		return true, nil
	}
	return f.program.True(ctx, data)
}

// Outputs runs the expression on data and calls yield with each output, until that returns false, within the limits
// of [jq.Program.Outputs].
func (f *Filter) Outputs(ctx context.Context, data json.RawMessage, yield func(jq.Output) bool) error {
	return f.program.Outputs(ctx, data, nil, yield)
}

func invalidFilter(key, message string, err error) error {
	return &eventcore.Error{
		Code: eventcore.CodeInvalidFilter, Message: message, Cause: err,
		Hint: `a filter is a jq expression on the event's data, such as .chat_type == "p2p"; describe_event_key, or ` +
			"lark-events-mcp schema " + key + ", shows the fields",
	}
}

// filterFailed is beside an event that a filter could not judge; the event is delivered.
func filterFailed(err error) *eventcore.Error {
	if errors.Is(err, jq.ErrStart) {
		return noSandbox("the filter could not be run on this event, which is delivered all the same: ", err)
	}
	return &eventcore.Error{
		Code: eventcore.CodeInvalidFilter, Message: "the filter failed on this event, which is delivered all the same: " + err.Error(),
		Hint: "unsubscribe and subscribe again with a filter that copes with such an event", Cause: err,
	}
}

// noSandbox is the error for a filter that needs a process which does not start.
func noSandbox(what string, err error) *eventcore.Error {
	return &eventcore.Error{
		Code: eventcore.CodeInternal, Message: what + err.Error(), Cause: err,
		Hint: "the filter may be right: try again; if that does not help, see that the machine has memory and processes to spare and that " +
			"lark-events-mcp may start itself, or use a filter that only compares fields, which needs no process",
	}
}
