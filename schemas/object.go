package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// object is a JSON object whose members keep their order. Schemas are worked on in this form, because a model
// reads them top to bottom, and because keywords that no Go type knows must survive.
//
// A member's value is a *object, []any, string, json.Number, bool or nil.
type object struct {
	names  []string
	values map[string]any
}

// newObject returns an object with the given members, as name and value in turn.
func newObject(members ...any) *object {
	o := &object{values: map[string]any{}}
	for i := 0; i+1 < len(members); i += 2 {
		o.set(members[i].(string), members[i+1])
	}
	return o
}

// set changes a member in place, or adds it at the end.
func (o *object) set(name string, value any) {
	if _, ok := o.values[name]; !ok {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

// setFirst makes a member the first one.
func (o *object) setFirst(name string, value any) {
	o.remove(name)
	o.names = slices.Insert(o.names, 0, name)
	o.values[name] = value
}

func (o *object) remove(name string) {
	delete(o.values, name)
	o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
}

// child returns the member if it is an object.
func (o *object) child(name string) (*object, bool) {
	c, ok := o.values[name].(*object)
	return c, ok
}

// MarshalJSON writes the members in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := writeValue(&buf, name); err != nil {
			return nil, err
		}
		buf.WriteByte(':')
		if err := writeValue(&buf, o.values[name]); err != nil {
			return nil, fmt.Errorf("write member %q: %w", name, err)
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// encode writes the object as it is to be read: compact, and with <, > and & as themselves.
func (o *object) encode() (json.RawMessage, error) {
	var buf bytes.Buffer
	if err := writeValue(&buf, o); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func writeValue(buf *bytes.Buffer, value any) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the newline that Encode adds
	return nil
}

// decode reads one JSON value, objects as *object.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	value, err := decodeValue(dec)
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the value")
	}
	return value, nil
}

func decodeValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(dec)
	case json.Delim('['):
		return decodeArray(dec)
	}
	return token, nil
}

func decodeObject(dec *json.Decoder) (*object, error) {
	o := newObject()
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		value, err := decodeValue(dec)
		if err != nil {
			return nil, err
		}
		o.set(name.(string), value) // the decoder lets nothing but a string stand here
	}
	_, err := dec.Token()
	return o, err
}

func decodeArray(dec *json.Decoder) ([]any, error) {
	items := []any{}
	for dec.More() {
		item, err := decodeValue(dec)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := dec.Token()
	return items, err
}
