package schemas

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// wildcard is the segment that stands for every item of an array and every value of a map.
const wildcard = "*"

// parsePointer splits a JSON Pointer (RFC 6901) into its segments, with ~1 and ~0 resolved. The empty pointer,
// which is the payload itself, has none.
func parsePointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, fmt.Errorf("override %q must start with /", pointer)
	}
	segments := strings.Split(rest, "/")
	for i, segment := range segments {
		// In this order, so that ~01 becomes ~1 and not /.
		segments[i] = strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~")
	}
	return segments, nil
}

// find returns the schemas that a pointer hits in a schema document: one, or several where a map has a schema for
// each pattern of its keys.
func find(schema *object, segments []string) []*object {
	if len(segments) == 0 {
		return []*object{schema}
	}
	var hits []*object
	for _, next := range step(schema, segments[0]) {
		hits = append(hits, find(next, segments[1:])...)
	}
	return hits
}

// step returns the schemas one segment further down.
func step(schema *object, segment string) []*object {
	if segment != wildcard {
		return members(schema, "properties", segment)
	}
	next := append(members(schema, "", "items"), members(schema, "", "additionalProperties")...)
	if patterns, ok := schema.child("patternProperties"); ok {
		for _, pattern := range patterns.names {
			next = append(next, members(schema, "patternProperties", pattern)...)
		}
	}
	return next
}

// members returns the schema under name, in the member named in or in the object itself, as a list of one or
// none. The schema true, which has no room for keywords, is replaced by the empty object, which means the same.
func members(schema *object, in, name string) []*object {
	if in != "" {
		child, ok := schema.child(in)
		if !ok {
			return nil
		}
		schema = child
	}
	switch v := schema.values[name].(type) {
	case *object:
		return []*object{v}
	case bool:
		if v {
			open := newObject()
			schema.set(name, open)
			return []*object{open}
		}
	}
	return nil
}

// typeFinder finds fields in Go types. It remembers what it has seen of them.
type typeFinder struct {
	members map[reflect.Type]map[string]reflect.Type
}

// hits reports whether a pointer hits a field of a Go type, as find would in the schema of the type, without making
// that. path holds the named types on the way down.
func (f *typeFinder) hits(t reflect.Type, segments []string, path []reflect.Type) bool {
	t = indirect(t)
	if len(segments) == 0 {
		return true
	}
	if isLeaf(t) || slices.Contains(path, t) || embedsItself(t) {
		return false
	}
	if canRecurse(t) {
		path = append(path, t)
	}
	switch t.Kind() {
	case reflect.Struct:
		member, ok := f.membersOf(t)[segments[0]]
		return ok && f.hits(member, segments[1:], path)
	case reflect.Slice, reflect.Array:
		return segments[0] == wildcard && f.hits(t.Elem(), segments[1:], path)
	case reflect.Map:
		// The schema of a map of anything says nothing about its values.
		return segments[0] == wildcard && t.Elem().Kind() != reflect.Interface && f.hits(t.Elem(), segments[1:], path)
	}
	return false
}

func (f *typeFinder) membersOf(t reflect.Type) map[string]reflect.Type {
	members, ok := f.members[t]
	if !ok {
		fields := fieldsOf(t)
		members = make(map[string]reflect.Type, len(fields))
		for _, field := range fields {
			if _, shadowed := members[field.name]; !shadowed {
				members[field.name] = field.typ
			}
		}
		f.members[t] = members
	}
	return members
}
