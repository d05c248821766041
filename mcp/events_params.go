package mcp

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxAge bounds the ages and lifetimes that a client may name.
const maxAge = 100 * 365 * 24 * time.Hour

// interestParams are the params that say what is to be followed, and from where.
func interestParams() []argument {
	return []argument{
		{name: "name", kind: kindText, required: true, description: "an event name, as events/list has it"},
		{name: "arguments", kind: kindObject, description: "as the event's inputSchema says"},
		{name: "cursor", kind: kindText, description: "where to begin, as a result gave it; null begins now"},
		{name: "maxAgeMs", kind: kindInteger, min: 0, max: int(maxAge.Milliseconds()), leftOut: "events may be of any age",
			description: "nothing older than this, in milliseconds"},
	}
}

// maxEventsParam is the size of a page. More than this server returns at once is no error: a client says how much it
// can take.
func maxEventsParam() argument {
	return argument{name: "maxEvents", kind: kindInteger, min: 1, max: math.MaxInt32, fallback: 100, description: "page size"}
}

// decodeParams reads the params of a request, as strictly as a tool's arguments; names that are not accepted are left
// to later versions of the protocol.
func decodeParams(msg message, accepted []argument) (arguments, error) {
	var request struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(msg.raw, &request); err != nil {
		return arguments{}, &eventcore.Error{Code: eventcore.CodeInvalidParams, Message: "params must be a JSON object"}
	}
	return decodeMembers(accepted, request.Params)
}

// decodeMembers reads the accepted members of an object, and none else.
func decodeMembers(accepted []argument, given map[string]json.RawMessage) (arguments, error) {
	for name := range given {
		if !slices.ContainsFunc(accepted, func(a argument) bool { return a.name == name }) {
			delete(given, name)
		}
	}
	raw, err := json.Marshal(given)
	if err != nil {
		return arguments{}, fmt.Errorf("read params: %w", err)
	}
	return decodeArguments(accepted, raw)
}

// interest is what a client wants to follow, and from where.
type interest struct {
	def    *eventcore.KeyDefinition
	given  map[string]any
	params string // the arguments checked and defaulted, as JSON; equal texts mean the same
	cursor *eventcore.Cursor
	maxAge time.Duration // 0: any
}

// newInterest checks what a client wants, as far as that needs neither the bus nor the platform. A nil cursor begins
// now.
func newInterest(name string, given map[string]any, cursor *string, maxAge time.Duration) (interest, error) {
	def, ok := eventcore.Lookup(name)
	if !ok {
		unknown := eventcore.UnknownKey(name)
		unknown.Hint = "events/list shows what there is; event.any takes any event type by name"
		if len(unknown.Suggestions) > 0 {
			unknown.Hint = "did you mean " + unknown.Suggestions[0] + "? " + unknown.Hint
		}
		return interest{}, unknown
	}
	resolved, err := eventcore.ResolveParams(def, given)
	if err != nil {
		return interest{}, err
	}
	params, err := json.Marshal(resolved)
	if err != nil {
		return interest{}, fmt.Errorf("encode the arguments of %s: %w", name, err)
	}
	in := interest{def: def, given: given, params: string(params), maxAge: maxAge}
	if cursor != nil {
		parsed, err := eventcore.ParseCursor(*cursor)
		if err != nil {
			return interest{}, &eventcore.Error{Code: eventcore.CodeInvalidCursor, Param: "cursor",
				Message: fmt.Sprintf("cursor %q is not one of this server", clip(*cursor, 80)),
				Hint:    "pass a cursor exactly as a result or a notification gave it, or null to begin now"}
		}
		in.cursor = &parsed
	}
	return in, nil
}

// interest returns what interestParams say.
func (a arguments) interest() (interest, error) {
	return newInterest(a.text("name"), a.object("arguments"), a.cursor(), a.maxAge())
}

func (a arguments) cursor() *string {
	if !a.has("cursor") {
		return nil
	}
	cursor := a.text("cursor")
	return &cursor
}

// maxAge returns maxAgeMs; where it is left out, 0. An age of nothing at all is the shortest instead.
func (a arguments) maxAge() time.Duration {
	if !a.has("maxAgeMs") {
		return 0
	}
	return max(time.Duration(a.integer("maxAgeMs"))*time.Millisecond, 1)
}
