package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
)

// dialect is the value of $schema: JSON Schema draft 2020-12.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// Payload returns the schema of a payload, as compact JSON that is the same for the same source. Overrides are
// applied to every place their pointer hits, which for * is all items of an array or all values of a map. An
// error names the override that hits nothing, or says why Raw cannot be read. It may be called from many
// goroutines at once.
func Payload(src Source) (json.RawMessage, error) {
	body, err := bodyOf(src)
	if err != nil {
		return nil, err
	}
	body.remove("$schema")
	if src.EnvelopeOf != "" {
		body = envelope(src.EnvelopeOf, body)
	}
	if err := applyOverrides(body, src.Overrides); err != nil {
		return nil, err
	}
	body.setFirst("$schema", dialect)
	return body.encode()
}

// bodyOf returns the schema of the type or the raw schema, without an envelope.
func bodyOf(src Source) (*object, error) {
	switch {
	case (src.Type == nil) == (len(src.Raw) == 0):
		return nil, errors.New("a payload schema needs exactly one of a type and a raw schema")
	case src.Type != nil:
		return reflectType(src.Type, src.EnvelopeOf != "")
	}
	return parseSchema(src.Raw)
}

// parseSchema reads a schema that was written out.
func parseSchema(raw json.RawMessage) (*object, error) {
	value, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("read raw schema: %w", err)
	}
	return asObject(value)
}

// asObject returns a schema as an object; true is the empty one.
func asObject(value any) (*object, error) {
	switch v := value.(type) {
	case *object:
		return v, nil
	case bool:
		if v {
			return newObject(), nil
		}
	}
	return nil, errors.New("read raw schema: it is not a JSON object")
}
