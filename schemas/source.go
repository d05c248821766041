package schemas

import (
	"encoding/json"
	"reflect"
)

// FieldMeta adds to one field of a payload schema what its Go type does not say.
type FieldMeta struct {
	Description string   `json:"description,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	// Kind is what the value is (open_id, chat_id, timestamp_ms, …); it becomes the schema's format.
	Kind string `json:"kind,omitempty"`
}

// Source says what a payload schema is made of: exactly one of Type and Raw.
type Source struct {
	Type reflect.Type
	Raw  json.RawMessage
	// EnvelopeOf, if not empty, is the event type whose V2 envelope is put around the schema.
	EnvelopeOf string
	// Overrides adds to fields by JSON Pointer into the payload (with the envelope, if any), * for array items.
	Overrides map[string]FieldMeta
}
