package schemas

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// CheckOverrides returns an error that names the first override, by name, that points at no field or is no JSON
// Pointer: exactly if [Payload] would. It does not build the schema of a type. It may be called from many
// goroutines at once.
func CheckOverrides(src Source) error {
	if len(src.Overrides) == 0 {
		return nil
	}
	hits, err := finder(src)
	if err != nil {
		return err
	}
	var first string
	var failure error
	for pointer := range src.Overrides {
		segments, err := parsePointer(pointer)
		if err == nil && !hits(segments) {
			err = missError(pointer)
		}
		if err != nil && (failure == nil || pointer < first) {
			first, failure = pointer, err
		}
	}
	return failure
}

// finder returns a function that reports whether a pointer hits a field of the payload.
func finder(src Source) (func(segments []string) bool, error) {
	types := &typeFinder{members: map[reflect.Type]map[string]reflect.Type{}}
	hitsBody := func(segments []string) bool { return types.hits(src.Type, segments, nil) }
	if src.Type == nil {
		body, err := bodyOf(src)
		if err != nil {
			return nil, err
		}
		hitsBody = func(segments []string) bool { return len(find(body, segments)) > 0 }
	}
	if src.EnvelopeOf == "" {
		return hitsBody, nil
	}
	return func(segments []string) bool {
		if len(segments) > 0 && segments[0] == "event" {
			return hitsBody(segments[1:])
		}
		return len(find(envelope(src.EnvelopeOf, newObject()), segments)) > 0
	}, nil
}

// applyOverrides adds to the schema what the overrides say, in the order of their pointers.
func applyOverrides(schema *object, overrides map[string]FieldMeta) error {
	for _, pointer := range slices.Sorted(maps.Keys(overrides)) {
		segments, err := parsePointer(pointer)
		if err != nil {
			return err
		}
		hits := find(schema, segments)
		if len(hits) == 0 {
			return missError(pointer)
		}
		for _, hit := range hits {
			hit.apply(overrides[pointer])
		}
	}
	return nil
}

// apply sets the keywords that meta has a value for.
func (o *object) apply(meta FieldMeta) {
	if meta.Kind != "" {
		o.set("format", meta.Kind)
	}
	if len(meta.Enum) > 0 {
		values := make([]any, len(meta.Enum))
		for i, value := range meta.Enum {
			values[i] = value
		}
		if types, ok := o.values["type"].([]any); ok && slices.Contains(types, any("null")) {
			values = append(values, nil)
		}
		o.set("enum", values)
	}
	if meta.Description != "" {
		o.set("description", meta.Description)
	}
}

func missError(pointer string) error {
	return fmt.Errorf("override %q points at no field of the payload", pointer)
}
