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

// encode writes the object as it is to be read: members in their order, compact, and with <, > and & as themselves.
func (o *object) encode() (json.RawMessage, error) {
	w := &writer{}
	w.scalars = json.NewEncoder(&w.buf)
	w.scalars.SetEscapeHTML(false)
	if err := w.value(o); err != nil {
		return nil, err
	}
	return w.buf.Bytes(), nil
}

// writer writes the values that an object can hold.
type writer struct {
	buf     bytes.Buffer
	scalars *json.Encoder // into buf
}

func (w *writer) value(value any) error {
	switch v := value.(type) {
	case *object:
		w.buf.WriteByte('{')
		for i, name := range v.names {
			if i > 0 {
				w.buf.WriteByte(',')
			}
			if err := w.value(name); err != nil {
				return err
			}
			w.buf.WriteByte(':')
			if err := w.value(v.values[name]); err != nil {
				return fmt.Errorf("write member %q: %w", name, err)
			}
		}
		w.buf.WriteByte('}')
	case []any:
		w.buf.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				w.buf.WriteByte(',')
			}
			if err := w.value(item); err != nil {
				return err
			}
		}
		w.buf.WriteByte(']')
	default:
		if err := w.scalars.Encode(v); err != nil {
			return err
		}
		w.buf.Truncate(w.buf.Len() - 1) // the newline that Encode adds
	}
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
