package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Param is one parameter as a schema needs to know it. Type is string, enum, multi, bool or int. Default is
// written as a hook sees it: bools as true or false, multis comma-separated.
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

// Params returns the schema of a key's params: a closed object, as compact JSON, members in the order given.
//
// The values of an enum are a oneOf of const and description, the form JSON Schema itself gives for annotated
// enumerations and MCP uses in elicitation; a multi has that in its items. There is no enum keyword beside it: it
// would say the values twice and their meaning never.
//
// An error names the parameter whose type is unknown or whose default does not fit. It may be called from many
// goroutines at once.
func Params(params []Param) (json.RawMessage, error) {
	properties := newObject()
	var required []any
	for _, p := range params {
		property, err := p.schema()
		if err != nil {
			return nil, fmt.Errorf("param %q: %w", p.Name, err)
		}
		properties.set(p.Name, property)
		if p.Required {
			required = append(required, p.Name)
		}
	}
	schema := newObject("$schema", dialect, "type", "object", "properties", properties)
	if len(required) > 0 {
		schema.set("required", required)
	}
	schema.set("additionalProperties", false)
	return schema.encode()
}

// schema returns the schema of one parameter.
func (p Param) schema() (*object, error) {
	var s *object
	switch p.Type {
	case "string":
		s = described("string", "", p.Description)
	case "bool":
		s = described("boolean", "", p.Description)
	case "int":
		s = described("integer", "", p.Description)
	case "enum":
		s = described("string", "", p.Description)
		s.set("oneOf", p.choices())
	case "multi":
		s = described("array", "", p.Description)
		s.set("items", newObject("type", "string", "oneOf", p.choices()))
		s.set("uniqueItems", true)
	default:
		return nil, fmt.Errorf("unknown type %q", p.Type)
	}
	if p.Default != "" {
		value, err := p.defaultValue()
		if err != nil {
			return nil, err
		}
		s.set("default", value)
	}
	return s, nil
}

// choices returns one schema for each value.
func (p Param) choices() []any {
	choices := make([]any, len(p.Values))
	for i, v := range p.Values {
		choices[i] = newObject("const", v.Value, "description", v.Desc)
	}
	return choices
}

// defaultValue returns the default, typed.
func (p Param) defaultValue() (any, error) {
	switch p.Type {
	case "bool":
		b, err := strconv.ParseBool(p.Default)
		if err != nil {
			return nil, fmt.Errorf("default %q is neither true nor false", p.Default)
		}
		return b, nil
	case "int":
		if _, err := strconv.ParseInt(p.Default, 10, 64); err != nil {
			return nil, fmt.Errorf("default %q is no whole number", p.Default)
		}
		return json.Number(p.Default), nil
	case "enum":
		return p.Default, p.checkChoice(p.Default)
	case "multi":
		var values []any
		for value := range strings.SplitSeq(p.Default, ",") {
			if err := p.checkChoice(value); err != nil {
				return nil, err
			}
			values = append(values, value)
		}
		return values, nil
	}
	return p.Default, nil
}

func (p Param) checkChoice(value string) error {
	if !slices.ContainsFunc(p.Values, func(v ParamValue) bool { return v.Value == value }) {
		return fmt.Errorf("default %q is not among the values", value)
	}
	return nil
}
