package keydef

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Processed completes the definition of a key whose subscriber gets an Out made of the event member, read as an In:
// the event type and the console event are the key itself, unless def says otherwise, and the example is
// examples/KEY.json.
//
// process returns what is known even if a lookup failed, together with the error (see [Missing]); a nil result
// without an error drops the event. An event member that is no In is delivered as it came.
func Processed[In, Out any](
	def eventcore.KeyDefinition, examples embed.FS,
	process func(ctx context.Context, rt eventcore.APIClient, in *In, params map[string]string) (*Out, error),
) eventcore.KeyDefinition {
	if def.EventType == "" {
		def.EventType = def.Key
	}
	if def.RequiredConsoleEvents == nil {
		def.RequiredConsoleEvents = []string{def.EventType}
	}
	def.Schema = eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Type: reflect.TypeFor[Out]()}}
	def.Example = Example(examples, def.Key)
	def.Process = func(ctx context.Context, rt eventcore.APIClient, raw *eventcore.RawEvent, params map[string]string) (json.RawMessage, error) {
		in, err := Decode[In](raw)
		if err != nil {
			return nil, err
		}
		out, err := process(ctx, rt, in, params)
		if out == nil {
			return nil, err
		}
		data, encodeErr := Encode(out)
		return data, errors.Join(err, encodeErr)
	}
	return def
}

// NamesNo is the error of an event that does not say what it is about: what names the thing, such as "file". Returned
// without a result, it has the event delivered as it came, rather than an empty payload that looks complete.
func NamesNo(what string) error {
	return &eventcore.Error{
		Code: eventcore.CodePlatformError, Message: "the event names no " + what, Hint: "look at the event as it came",
	}
}

// Decode reads the event member of an envelope. It serves Match as well. The result is shared with other subscriptions
// and must not be changed.
func Decode[In any](raw *eventcore.RawEvent) (*In, error) {
	return eventcore.Decoded(raw, func() (*In, error) {
		var envelope struct {
			Event *In `json:"event"`
		}
		if err := json.Unmarshal(raw.Payload, &envelope); err != nil {
			return nil, fmt.Errorf("decode the event: %w", err)
		}
		if envelope.Event == nil {
			return nil, errors.New("decode the event: the envelope has no event member")
		}
		return envelope.Event, nil
	})
}
