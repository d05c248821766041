package schemas

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"
)

// convert turns the reflector's schema into an object, or a bool for the schemas true and false. It does what going
// through JSON does, which costs several times as much; a schema with a keyword that the reflector does not use of its
// own accord goes that way.
func convert(s *jsonschema.Schema) (any, error) {
	if !copied(s) {
		return throughJSON(s)
	}
	o := newObject()
	if s.Items != nil {
		if err := o.convert("items", s.Items); err != nil {
			return nil, err
		}
	}
	if s.Properties != nil {
		properties := newObject()
		for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if err := properties.convert(pair.Key, pair.Value); err != nil {
				return nil, err
			}
		}
		o.set("properties", properties)
	}
	if s.AdditionalProperties != nil {
		if err := o.convert("additionalProperties", s.AdditionalProperties); err != nil {
			return nil, err
		}
	}
	if s.Type != "" {
		o.set("type", s.Type)
	}
	if len(s.Enum) > 0 {
		o.set("enum", s.Enum)
	}
	if len(s.Required) > 0 {
		o.set("required", anys(s.Required))
	}
	for _, keyword := range []struct{ name, value string }{
		{"format", s.Format}, {"contentEncoding", s.ContentEncoding}, {"description", s.Description},
	} {
		if keyword.value != "" {
			o.set(keyword.name, keyword.value)
		}
	}
	if types, ok := s.Extras["type"].([]string); ok {
		o.set("type", anys(types))
	}
	return o, nil
}

// convert sets a member to a schema.
func (o *object) convert(name string, s *jsonschema.Schema) error {
	value, err := convert(s)
	if err != nil {
		return err
	}
	o.set(name, value)
	return nil
}

// copied reports whether a schema has no other keywords than those that convert copies.
func copied(s *jsonschema.Schema) bool {
	rest := *s
	rest.Items, rest.Properties, rest.AdditionalProperties = nil, nil, nil
	rest.Type, rest.Enum, rest.Required, rest.Format, rest.ContentEncoding, rest.Description = "", nil, nil, "", "", ""
	if _, ok := s.Extras["type"].([]string); ok && len(s.Extras) == 1 {
		rest.Extras = nil
	}
	empty := s.Items == nil && s.Properties == nil && s.AdditionalProperties == nil && s.Type == "" && s.Enum == nil &&
		s.Required == nil && s.Format == "" && s.ContentEncoding == "" && s.Description == "" && s.Extras == nil
	return !empty && reflect.ValueOf(rest).IsZero()
}

func throughJSON(s *jsonschema.Schema) (any, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

func anys(list []string) []any {
	values := make([]any, len(list))
	for i, text := range list {
		values[i] = text
	}
	return values
}
