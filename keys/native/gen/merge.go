package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// described is an event type with all that its key needs.
type described struct {
	*event
	entry
	fields []describedField
}

type describedField struct {
	field
	meaning
}

// merge brings a domain's event types and its table together.
func merge(domain string, events []*event, tables tables) ([]described, error) {
	t := tables[domain]
	if t == nil {
		return nil, fmt.Errorf("tables/%s.json is missing; it describes %d event types", domain, len(events))
	}
	var failed error
	fail := func(format string, args ...any) {
		failed = errors.Join(failed, fmt.Errorf("tables/%s.json: "+format, append([]any{domain}, args...)...))
	}
	var result []described
	known := map[string]bool{}
	for _, e := range events {
		known[e.name] = true
		words, ok := t.Keys[e.name]
		if !ok {
			fail("%s has no entry", e.name)
			continue
		}
		if err := words.check(); err != nil {
			fail("%s: %w", e.name, err)
		}
		if len(words.Auth) == 0 {
			words.Auth = t.Auth
		}
		d := described{event: e, entry: words}
		unused := maps.Clone(words.Fields)
		for _, f := range fieldsOf(e.data) {
			delete(unused, f.pointer)
			d.fields = append(d.fields, describedField{f, tables.meaning(t, words, f)})
		}
		for _, pointer := range slices.Sorted(maps.Keys(unused)) {
			fail("%s: %s points at no field", e.name, pointer)
		}
		result = append(result, d)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Keys)) {
		if !known[name] {
			fail("%s is no event type without a key of its own", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		if !t.used[name] {
			fail("no event has a field %s", name)
		}
	}
	return result, failed
}

// tables are all tables, by domain.
type tables map[string]*table

// meaning is what the field holds: as the entry says, or else the domain, or else what the name means everywhere.
func (all tables) meaning(t *table, words entry, f field) meaning {
	if m, ok := words.Fields[f.pointer]; ok {
		t.used[f.name] = true
		return m
	}
	for _, from := range []*table{t, all[commonTable]} {
		if m, ok := from.Fields[f.name]; ok {
			from.used[f.name] = true
			return m
		}
	}
	return meaning{}
}

// meta is what the schema says of the field; ok is false if that is nothing.
func (f describedField) meta() (kind, description string, enum []string, ok bool) {
	kind = f.field.kind
	if f.Kind != nil {
		kind = *f.Kind
	}
	return kind, f.Description, f.Enum, kind != "" || f.Description != "" || len(f.Enum) > 0
}
