package schemas

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

// recursionNote describes the open object that stands where a type contains itself.
const recursionNote = "nested once more: the same members as the object around it"

// typeReflector makes the schema of a Go type. It hands single types to the invopop reflector, and itself sees to
// what that has no setting for: types that contain themselves, the tags of this package, and null.
type typeReflector struct {
	inner jsonschema.Reflector
	// native is set for types that describe what the platform sends: nothing is required, pointers may be null.
	native bool
	// path holds the named types being reflected, from the outside in.
	path []reflect.Type
	// entered is the type for which mapType has just called the inner reflector, and must not do so again.
	entered reflect.Type
	err     error
}

// reflectType returns the schema of t, complete and without references.
func reflectType(t reflect.Type, native bool) (*object, error) {
	r := &typeReflector{native: native}
	r.inner = jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, AllowAdditionalProperties: true, Mapper: r.mapType,
	}
	t = indirect(t)
	schema := r.inner.ReflectFromType(t)
	if r.err != nil {
		return nil, fmt.Errorf("reflect %s: %w", t, r.err)
	}
	schema.Version = ""
	value, err := convert(schema)
	if err != nil {
		return nil, fmt.Errorf("reflect %s: %w", t, err)
	}
	body, err := asObject(value)
	if err != nil {
		return nil, err
	}
	tidy(body)
	return body, nil
}

// tidy makes of the reflector's output what a reader wants: the type of each schema first, and no closed objects,
// which the reflector makes of maps with integer keys.
func tidy(value any) {
	switch v := value.(type) {
	case *object:
		switch schemaType := v.values["type"].(type) {
		case string, []any: // and not a property that is named type
			v.setFirst("type", schemaType)
		}
		if v.values["additionalProperties"] == false {
			v.remove("additionalProperties")
		}
		for _, name := range v.names {
			tidy(v.values[name])
		}
	case []any:
		for _, item := range v {
			tidy(item)
		}
	}
}

// mapType is the inner reflector's hook: it is asked for every type before anything else, and nil means go on.
func (r *typeReflector) mapType(t reflect.Type) *jsonschema.Schema {
	if r.entered == t {
		r.entered = nil
		return nil
	}
	if !canRecurse(t) {
		return nil
	}
	if r.cuts(t) {
		return &jsonschema.Schema{Type: "object", Description: recursionNote}
	}
	r.path = append(r.path, t)
	r.entered = t
	schema := r.inner.ReflectFromType(t)
	schema.Version = ""
	if r.native {
		schema.Required = nil
	}
	if t.Kind() == reflect.Struct {
		for _, field := range fieldsOf(t) {
			r.describe(schema, field)
		}
	}
	r.path = r.path[:len(r.path)-1]
	return schema
}

// cuts reports whether t, met at this point, would go on for ever.
func (r *typeReflector) cuts(t reflect.Type) bool {
	return slices.Contains(r.path, t) || embedsItself(t)
}

// describe adds to a property what its field's tags and type say.
func (r *typeReflector) describe(parent *jsonschema.Schema, f field) {
	property, ok := parent.Properties.Get(f.name)
	if !ok {
		return
	}
	property.Description = f.tag.Get("desc")
	if r.cuts(indirect(f.typ)) {
		property.Description = strings.TrimSpace(property.Description + " (" + recursionNote + ")")
	}
	value := property
	for value.Items != nil {
		value = value.Items
	}
	if kind := f.tag.Get("kind"); kind != "" {
		value.Format = kind
	}
	if enum := f.tag.Get("enum"); enum != "" {
		values, err := enumValues(value.Type, enum)
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("field %s: %w", f.name, err)
		}
		value.Enum = values
	}
	// The platform sends null for what the app may not see, such as user_id without the scope for it. The
	// reflector's Type is one word, so that the list goes through Extras.
	if r.native && f.nullable && property.Type != "" {
		property.Extras = map[string]any{"type": []string{property.Type, "null"}}
		property.Type = ""
	}
}

// canRecurse reports whether a path back to t can lead through t: it must be named and have parts.
func canRecurse(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		return t.Name() != "" && !isLeaf(t)
	}
	return false
}

// isLeaf reports whether t has a schema of its own, into which no pointer can lead.
func isLeaf(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[url.URL](), reflect.TypeFor[net.IP](), reflect.TypeFor[json.RawMessage]():
		return true
	}
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
