package eventcore

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxParamLength bounds one parameter's value, in bytes.
const maxParamLength = 4096

// errNotAllowed marks a value that is not among a parameter's values.
var errNotAllowed = errors.New("is not one of the allowed values")

// ResolveParams applies defaults to what a caller sent, validates it, and returns the form that hooks see: every
// value a string, bools as true or false, ints in decimal, multis comma-separated in the order of the
// definition. Values may come typed, as JSON decodes them (json.Number included), or as strings, as a command
// line gives them. A fault is an [*Error] with [CodeInvalidParams] that names the parameter and lists what it
// accepts.
func ResolveParams(def *KeyDefinition, given map[string]any) (map[string]string, error) {
	resolved := make(map[string]string, len(def.Params))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(def.Params, func(p ParamDef) bool { return p.Name == name }) {
			return nil, unknownParam(def, name)
		}
	}
	for _, p := range def.Params {
		value, ok := given[p.Name]
		if !ok || value == nil {
			if p.Required {
				return nil, paramError(def, p, "it is required")
			}
			if p.Default != "" {
				// RegisterKey has refused a default that is not accepted.
				resolved[p.Name], _ = canonical(p, p.Default)
			}
			continue
		}
		text, err := canonical(p, value)
		if err != nil {
			return nil, paramError(def, p, err.Error())
		}
		if text == "" && p.Required {
			return nil, paramError(def, p, "it is required and must not be empty")
		}
		resolved[p.Name] = text
	}
	return resolved, nil
}

// TypedParams is the inverse of [ResolveParams]: the values typed as the params schema says.
func TypedParams(def *KeyDefinition, resolved map[string]string) map[string]any {
	typed := make(map[string]any, len(resolved))
	for _, p := range def.Params {
		text, ok := resolved[p.Name]
		if !ok {
			continue
		}
		switch p.Type {
		case ParamBool:
			typed[p.Name] = text == "true"
		case ParamInt:
			n, _ := strconv.ParseInt(text, 10, 64)
			typed[p.Name] = n
		case ParamMulti:
			values := []string{}
			if text != "" {
				values = strings.Split(text, ",")
			}
			typed[p.Name] = values
		default:
			typed[p.Name] = text
		}
	}
	return typed
}

// canonical returns value in the form that hooks see, or what is wrong with it.
func canonical(p ParamDef, value any) (string, error) {
	switch p.Type {
	case ParamBool:
		switch v := value.(type) {
		case bool:
			return strconv.FormatBool(v), nil
		case string:
			if b, err := strconv.ParseBool(v); err == nil {
				return strconv.FormatBool(b), nil
			}
		}
		return "", fmt.Errorf("it must be true or false, not %s", describe(value))
	case ParamInt:
		text, ok := value.(string)
		if !ok {
			text = describe(value)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", fmt.Errorf("it must be a whole number, not %s", describe(value))
		}
		return strconv.FormatInt(n, 10), nil
	case ParamMulti:
		return canonicalMulti(p, value)
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("it must be a string, not %s", describe(value))
	}
	if len(text) > maxParamLength {
		return "", fmt.Errorf("it is %d bytes long, at most %d are accepted", len(text), maxParamLength)
	}
	if p.Type == ParamEnum && !p.accepts(text) {
		return "", fmt.Errorf("%q %w", clip(text, 100), errNotAllowed)
	}
	return text, nil
}

func canonicalMulti(p ParamDef, value any) (string, error) {
	var chosen []string
	switch v := value.(type) {
	case string:
		chosen = strings.FieldsFunc(v, func(r rune) bool { return r == ',' })
	case []string:
		chosen = slices.Clone(v)
	case []any:
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return "", fmt.Errorf("it must be a list of strings, but has %s", describe(item))
			}
			chosen = append(chosen, text)
		}
	default:
		return "", fmt.Errorf("it must be a list of strings, not %s", describe(value))
	}
	for i, text := range chosen {
		chosen[i] = strings.TrimSpace(text)
		if !p.accepts(chosen[i]) {
			return "", fmt.Errorf("%q %w", clip(text, 100), errNotAllowed)
		}
	}
	var ordered []string
	for _, v := range p.Values {
		if slices.Contains(chosen, v.Value) {
			ordered = append(ordered, v.Value)
		}
	}
	return strings.Join(ordered, ","), nil
}

func (p ParamDef) accepts(value string) bool {
	return slices.ContainsFunc(p.Values, func(v ParamValue) bool { return v.Value == value })
}

// describe shows a value as the caller wrote it.
func describe(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("a %T", value)
	}
	return clip(string(text), 100)
}

func paramError(def *KeyDefinition, p ParamDef, problem string) *Error {
	e := &Error{
		Code:    CodeInvalidParams,
		Message: fmt.Sprintf("param %q of %s: %s", p.Name, def.Key, problem),
		Hint:    fmt.Sprintf("%s: %s", p.Name, p.Description),
		Param:   p.Name,
		Allowed: p.Values,
	}
	for i, v := range p.Values {
		separator := ", "
		if i == 0 {
			separator = ". Allowed: "
		}
		e.Hint += fmt.Sprintf("%s%s (%s)", separator, v.Value, v.Desc)
	}
	return e
}

func unknownParam(def *KeyDefinition, name string) *Error {
	e := &Error{
		Code:    CodeInvalidParams,
		Message: fmt.Sprintf("%s has no param %q", def.Key, clip(name, 100)),
		Hint:    "it takes no params; leave params out",
		Param:   clip(name, 100),
	}
	for i, p := range def.Params {
		e.Allowed = append(e.Allowed, ParamValue{Value: p.Name, Desc: p.Description})
		if i == 0 {
			e.Hint = "its params are " + p.Name
			continue
		}
		e.Hint += ", " + p.Name
	}
	return e
}
