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

// Param is one parameter as a schema needs to know it. Type is string, enum, multi, bool or int.
type Param struct {
	Name, Type, Default, Description string
	Required                         bool
	Values                           []ParamValue
}

// ParamValue is a value a parameter accepts, and what it means.
type ParamValue struct {
	Value string `json:"value"`
	Desc  string `json:"desc"`
}

// Payload returns the schema of a payload.
func Payload(src Source) (json.RawMessage, error) { panic("stub") }

// CheckOverrides returns an error that names the first override that points at no field. It does not build the schema.
func CheckOverrides(src Source) error { return nil }

// Params returns the schema of a key's params.
func Params(params []Param) (json.RawMessage, error) { panic("stub") }
