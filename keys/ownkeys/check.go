package ownkeys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// keyName is what a key may look like: words with dots between them.
var keyName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$`)

// check returns what is wrong with the file's plain fields.
func (f *file) check(def eventcore.KeyDefinition) []error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf(field+": "+format, args...))
	}
	if !keyName.MatchString(f.Key) || len(f.Key) > 200 {
		fault("key", "%q must be words of letters, digits and _ with dots between them, such as acme.order.paid_v1", f.Key)
	}
	if f.EventType != "" && !keydef.IsEventType(f.EventType) {
		fault("event_type", "%q is not the name of one event type", f.EventType)
	}
	if err := keydef.CheckTitle(def.DisplayName); err != nil {
		fault("title", "%w", err)
	}
	if err := keydef.CheckDescription(def.Description); err != nil {
		fault("description", "%w", err)
	}
	for i, auth := range f.Auth {
		if !slices.Contains([]string{"bot", "user"}, auth) {
			fault(fmt.Sprintf("auth[%d]", i), "%q must be bot or user", auth)
		}
	}
	names := map[string]bool{}
	for i, p := range f.Params {
		field := fmt.Sprintf("params[%d]", i)
		if err := eventcore.CheckParam(p); err != nil {
			fault(field, "%w", err)
		}
		if names[p.Name] {
			fault(field+".name", "%q is defined twice", p.Name)
		}
		names[p.Name] = true
	}
	if len(f.Schema) == 0 {
		fault("schema", "it is missing; {} stands for anything")
	} else if _, err := compileSchema(f.Schema); err != nil {
		fault("schema", "%w", err)
	}
	return faults
}

// tryOut runs the key on the example event and holds its examples against the schema, once the fields are right.
func (f *file) tryOut(def *eventcore.KeyDefinition) []error {
	raw, err := eventcore.SchemaOf(def)
	if err != nil {
		return []error{fmt.Errorf("schema: %w", err)}
	}
	schema, err := compileSchema(raw)
	if err != nil {
		return []error{fmt.Errorf("schema: %w", err)}
	}
	var faults []error
	if len(f.ExampleEvent) > 0 {
		data, err := example(def, f.ExampleEvent)
		if err != nil {
			return []error{fmt.Errorf("example_event: %w", err)}
		}
		if err := validate(schema, data); err != nil {
			faults = append(faults, fmt.Errorf("example_event: what comes of it does not satisfy the schema: %w", err))
		}
		if len(def.Example) == 0 {
			def.Example = data
		}
	}
	if len(f.Example) > 0 {
		if err := validate(schema, f.Example); err != nil {
			faults = append(faults, fmt.Errorf("example: %w", err))
		}
	}
	if err := eventcore.CheckKey(def); err != nil && len(faults) == 0 {
		faults = append(faults, err)
	}
	return faults
}

// example is what a subscriber gets of an event that gives no more params than it must.
func example(def *eventcore.KeyDefinition, event json.RawMessage) (json.RawMessage, error) {
	raw := &eventcore.RawEvent{EventType: def.EventType, Payload: event}
	params, err := eventcore.ResolveParams(def, requiredParams(def))
	if err != nil {
		return nil, err
	}
	if def.Match != nil && !def.Match(raw, params) {
		return nil, errors.New("the match expression drops it")
	}
	if def.Process == nil {
		return event, nil
	}
	data, err := def.Process(context.Background(), nil, raw, params)
	if err == nil && data == nil {
		err = errors.New("the transform expression drops it")
	}
	return data, err
}

// requiredParams are some values for the params that a subscriber must give.
func requiredParams(def *eventcore.KeyDefinition) map[string]any {
	given := map[string]any{}
	for _, p := range def.Params {
		if !p.Required {
			continue
		}
		switch {
		case len(p.Values) > 0:
			given[p.Name] = p.Values[0].Value
		case p.Type == eventcore.ParamBool:
			given[p.Name] = true
		case p.Type == eventcore.ParamInt:
			given[p.Name] = 1
		default:
			given[p.Name] = p.Name
		}
	}
	return given
}

// compileSchema returns a schema that is ready to validate. Nothing is fetched for it.
func compileSchema(raw json.RawMessage) (*jsonschema.Resolved, error) {
	var schema jsonschema.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, err
	}
	if err := checkTypes(plain); err != nil {
		return nil, err
	}
	return schema.Resolve(nil)
}

// checkTypes refuses a type that JSON Schema does not know, which the library lets pass, and which no value satisfies.
func checkTypes(schema any) error {
	switch v := schema.(type) {
	case map[string]any:
		names, ok := v["type"].([]any)
		if !ok {
			names = []any{v["type"]}
		}
		for _, name := range names {
			text, ok := name.(string) // anything else is a property named type, or refused elsewhere
			if ok && !slices.Contains([]string{"object", "array", "string", "number", "integer", "boolean", "null"}, text) {
				return fmt.Errorf("there is no type %q", text)
			}
		}
		for keyword, child := range v {
			if slices.Contains([]string{"const", "enum", "default", "examples"}, keyword) {
				continue
			}
			if err := checkTypes(child); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := checkTypes(item); err != nil {
				return err
			}
		}
	}
	return nil
}

func validate(schema *jsonschema.Resolved, raw json.RawMessage) error {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	return schema.Validate(value)
}
