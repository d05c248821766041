package schemas

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// field is a member that a struct has in JSON.
type field struct {
	name     string
	typ      reflect.Type
	tag      reflect.StructTag
	nullable bool
}

// fieldsOf returns the members of struct t in their order, those of embedded structs in their place.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "" && indirect(f.Type).Kind() == reflect.Struct:
			if !embedsItself(indirect(f.Type)) {
				fields = append(fields, fieldsOf(indirect(f.Type))...)
			}
		case !f.IsExported():
		default:
			fields = append(fields, field{
				name: cmp.Or(name, f.Name), typ: f.Type, tag: f.Tag, nullable: f.Type.Kind() == reflect.Pointer,
			})
		}
	}
	return fields
}

// embedsItself reports whether struct t has itself among its embedded structs, at any depth.
func embedsItself(t reflect.Type) bool {
	return embeds(t, nil)
}

func embeds(t reflect.Type, path []reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	if slices.Contains(path, t) {
		return true
	}
	path = append(path, t)
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous && embeds(indirect(f.Type), path) {
			return true
		}
	}
	return false
}

// enumValues reads the values of an enum tag as the type of the field.
func enumValues(schemaType, list string) ([]any, error) {
	var values []any
	for text := range strings.SplitSeq(list, ",") {
		switch schemaType {
		case "string":
			values = append(values, text)
		case "integer":
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				return nil, fmt.Errorf("enum value %q is no integer", text)
			}
			values = append(values, json.Number(text))
		default:
			return nil, fmt.Errorf("enum on a field of type %q, must be a string or an integer", schemaType)
		}
	}
	return values, nil
}
