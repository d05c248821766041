package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

type argumentKind string

// The kinds of arguments, named as in JSON Schema.
const (
	kindText    argumentKind = "string"
	kindInteger argumentKind = "integer"
	kindObject  argumentKind = "object"
)

const defaultMaxText = 1024

// argument describes one argument of a tool or prompt: for the model as a schema, and for decoding.
type argument struct {
	name        string
	kind        argumentKind
	description string
	required    bool
	maxText     int                    // of a text, in bytes; 0 means defaultMaxText
	values      []eventcore.ParamValue // that a text may have; none: any
	min, max    int                    // of an integer
	fallback    int                    // of an integer that is left out
	leftOut     string                 // what that means, if no number does; empty: fallback
}

// arguments are the arguments of one call, decoded.
type arguments struct {
	given    map[string]json.RawMessage
	texts    map[string]string
	integers map[string]int
	objects  map[string]map[string]any
}

func (a arguments) text(name string) string { return a.texts[name] }

func (a arguments) integer(name string) int { return a.integers[name] }

func (a arguments) object(name string) map[string]any { return a.objects[name] }

// has reports whether the caller gave the argument.
func (a arguments) has(name string) bool {
	value := a.given[name]
	return len(value) > 0 && string(value) != "null"
}

// decodeArguments reads the arguments of a call, strictly: an error names the argument and says what it accepts.
// An argument that is null counts as left out.
func decodeArguments(accepted []argument, raw json.RawMessage) (arguments, error) {
	return readArguments(accepted, raw, func(value json.RawMessage) json.RawMessage { return value })
}

// decodeModelArguments also takes numbers and objects that are in strings: a few clients send them so, whatever the schema
// says, and a model cannot help it.
func decodeModelArguments(accepted []argument, raw json.RawMessage) (arguments, error) {
	return readArguments(accepted, raw, withoutQuotes)
}

// readArguments has each argument that is no text read as what unpack makes of it.
func readArguments(accepted []argument, raw json.RawMessage, unpack func(json.RawMessage) json.RawMessage) (arguments, error) {
	decoded := arguments{texts: map[string]string{}, integers: map[string]int{}, objects: map[string]map[string]any{}}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &decoded.given); err != nil {
			return decoded, &eventcore.Error{Code: eventcore.CodeInvalidParams,
				Message: "arguments must be a JSON object", Hint: argumentNames(accepted)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(decoded.given)) {
		if !slices.ContainsFunc(accepted, func(a argument) bool { return a.name == name }) {
			return decoded, unknownArgument(accepted, name)
		}
	}
	for _, a := range accepted {
		if value := decoded.given[a.name]; value != nil && a.kind != kindText {
			decoded.given[a.name] = unpack(value)
		}
		switch {
		case decoded.has(a.name):
			if err := decoded.set(a, decoded.given[a.name]); err != nil {
				return decoded, err
			}
		case a.required:
			return decoded, invalidArgument(a.name, "is required", a.description, nil)
		case a.kind == kindInteger:
			decoded.integers[a.name] = a.fallback
		}
	}
	return decoded, nil
}

func (a arguments) set(spec argument, value json.RawMessage) error {
	switch spec.kind {
	case kindInteger:
		n, err := decodeInteger(value)
		if err != nil || n < spec.min || n > spec.max {
			return integerError(spec, value)
		}
		a.integers[spec.name] = n
	case kindObject:
		decoder := json.NewDecoder(bytes.NewReader(value))
		decoder.UseNumber() // a 64-bit id keeps all its digits
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			return invalidArgument(spec.name, "must be an object, not "+shown(value), spec.description, nil)
		}
		a.objects[spec.name] = object
	default:
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return invalidArgument(spec.name, "must be a string, not "+shown(value), spec.description, nil)
		}
		if limit := spec.textLimit(); len(text) > limit {
			return invalidArgument(spec.name, fmt.Sprintf("is %d bytes long, at most %d are accepted", len(text), limit), "shorten it", nil)
		}
		if names := spec.valueNames(); len(names) > 0 && !slices.Contains(names, text) {
			return invalidArgument(spec.name, "must be one of "+strings.Join(names, ", ")+", not "+shown(value),
				spec.description, spec.values)
		}
		a.texts[spec.name] = text
	}
	return nil
}

// withoutQuotes returns the JSON that a string holds, if it holds some, and any other value as it is.
func withoutQuotes(value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) == nil && json.Valid([]byte(text)) {
		return json.RawMessage(strings.TrimSpace(text))
	}
	return value
}

func (s argument) textLimit() int {
	if s.maxText == 0 {
		return defaultMaxText
	}
	return s.maxText
}

// decodeInteger accepts whole numbers in any JSON notation, such as 5, 5.0 and 5e0.
func decodeInteger(value json.RawMessage) (int, error) {
	if n, err := strconv.Atoi(string(value)); err == nil {
		return n, nil
	}
	var f float64
	if err := json.Unmarshal(value, &f); err != nil {
		return 0, err
	}
	if n := int(f); float64(n) == f {
		return n, nil
	}
	return 0, strconv.ErrRange
}

func integerError(spec argument, value json.RawMessage) error {
	problem := fmt.Sprintf("must be a whole number from %d to %d, not %s", spec.min, spec.max, shown(value))
	leftOut := spec.leftOut
	if leftOut == "" {
		leftOut = fmt.Sprintf("it is %d", spec.fallback)
	}
	hint := "pass a number in that range; left out, " + leftOut
	if value[0] == '"' {
		problem += ", a string"
		hint = "pass a JSON number, without quotes"
	}
	return invalidArgument(spec.name, problem, hint, nil)
}

func unknownArgument(accepted []argument, name string) error {
	e := invalidArgument(name, "is not known", argumentNames(accepted), nil)
	for _, a := range accepted {
		e.Allowed = append(e.Allowed, eventcore.ParamValue{Value: a.name, Desc: a.description})
	}
	return e
}

func argumentNames(accepted []argument) string {
	if len(accepted) == 0 {
		return "it takes no arguments"
	}
	names := make([]string, len(accepted))
	for i, a := range accepted {
		names[i] = a.name
	}
	return "the arguments are " + strings.Join(names, ", ")
}

func (s argument) valueNames() []string {
	var names []string
	for _, v := range s.values {
		names = append(names, v.Value)
	}
	return names
}

func shown(value json.RawMessage) string { return clip(string(value), 80) }

// inputSchema returns the JSON Schema of the arguments, in their order.
func inputSchema(accepted []argument) json.RawMessage {
	var properties, required []string
	for _, a := range accepted {
		rules := fmt.Sprintf(`"type":%q`, a.kind)
		if a.kind == kindInteger {
			rules += fmt.Sprintf(`,"minimum":%d,"maximum":%d,"default":%d`, a.min, a.max, a.fallback)
		}
		if names := a.valueNames(); len(names) > 0 {
			rules += `,"enum":` + quoted(names)
		}
		if a.description != "" {
			rules += `,"description":` + quoted(a.description)
		}
		properties = append(properties, fmt.Sprintf(`%q:{%s}`, a.name, rules))
		if a.required {
			required = append(required, a.name)
		}
	}
	schema := `{"type":"object","properties":{` + strings.Join(properties, ",") + `},"additionalProperties":false`
	if len(required) > 0 {
		schema += `,"required":` + quoted(required)
	}
	return json.RawMessage(schema + "}")
}

// quoted returns strings as JSON.
func quoted[T string | []string](v T) string {
	text, _ := encode(v) // strings always encode
	return string(text)
}
