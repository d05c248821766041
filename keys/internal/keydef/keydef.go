package keydef

import (
	"embed"
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/schemas"
)

// Overrides describes fields by JSON Pointer; see [eventcore.SchemaDef].
type Overrides = map[string]schemas.FieldMeta

// Native completes the definition of a key whose subscriber gets the platform's envelope around T: the event type
// and the console event are the key itself, unless def says otherwise, and the example is examples/KEY.json.
func Native[T any](def eventcore.KeyDefinition, examples embed.FS, overrides ...Overrides) eventcore.KeyDefinition {
	if def.EventType == "" {
		def.EventType = def.Key
	}
	if def.RequiredConsoleEvents == nil {
		def.RequiredConsoleEvents = []string{def.EventType}
	}
	def.Schema = eventcore.SchemaDef{
		Native:         &eventcore.SchemaSpec{Type: reflect.TypeFor[T]()},
		FieldOverrides: merge(overrides),
	}
	def.Example = Example(examples, def.Key)
	return def
}

// V1 is the envelope of the platform's first event format, which some event types still come in, without the
// verification token. Source: EventBase in the event package of the Lark SDK.
type V1[T any] struct {
	UUID  string `json:"uuid" kind:"event_id" desc:"unique id of the event; a repeated delivery has the same one"`
	TS    string `json:"ts,omitempty" desc:"when the event was sent: seconds since 1970 with a fraction"`
	Type  string `json:"type,omitempty" desc:"event_callback"`
	Event T      `json:"event" desc:"what happened; its type member is the event type"`
}

// NativeV1 is [Native] for an event type that comes in the V1 envelope.
func NativeV1[T any](def eventcore.KeyDefinition, examples embed.FS, overrides ...Overrides) eventcore.KeyDefinition {
	def = Native[T](def, examples, overrides...)
	def.Schema.Native = nil
	def.Schema.Custom = &eventcore.SchemaSpec{Type: reflect.TypeFor[V1[T]]()}
	return def
}

// Example returns the example payload of a key, the file examples/KEY.json. A file that is missing yields an
// example that is not JSON, which registering the key refuses with the key's name.
func Example(examples embed.FS, key string) json.RawMessage {
	name := "examples/" + key + ".json"
	raw, err := examples.ReadFile(name)
	if err != nil {
		return json.RawMessage(name + " is missing")
	}
	return raw
}

// User describes the ids of a user at pointer; who says which user it is.
func User(pointer, who string) Overrides {
	return Overrides{
		pointer:               {Description: who},
		pointer + "/open_id":  {Kind: "open_id", Description: "the user's id for this app; the one to use with the API"},
		pointer + "/union_id": {Kind: "union_id", Description: "the user's id for all apps of one developer"},
		pointer + "/user_id":  {Kind: "user_id", Description: "the user's id in the company; null without the scope contact:user.employee_id:readonly"},
	}
}

// Field describes one field; kind may be empty.
func Field(pointer, kind, description string) Overrides {
	return Overrides{pointer: {Kind: kind, Description: description}}
}

// IsEventType reports whether text could be the platform's name of an event type. A subscription to anything else would
// wait for ever without a word.
func IsEventType(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '.' && r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func merge(list []Overrides) Overrides {
	merged := Overrides{}
	for _, overrides := range list {
		maps.Copy(merged, overrides)
	}
	return merged
}
