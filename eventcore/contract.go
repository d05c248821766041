package eventcore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/schemas"
)

// CheckKey returns the first rule of [KeyDefinition] that def breaks, for which [RegisterKey] would panic. It builds no
// schema: only overrides are held against the type they point into.
func CheckKey(def *KeyDefinition) error {
	switch {
	case def.Key == "":
		return errors.New("it has no Key")
	case def.EventType == "":
		return errors.New("it has no EventType")
	case def.BufferSize < 0 || def.BufferSize > MaxBufferSize:
		return fmt.Errorf("its BufferSize is %d, must be 0 to %d", def.BufferSize, MaxBufferSize)
	case def.Workers < 0:
		return fmt.Errorf("its Workers is %d, must not be negative", def.Workers)
	case def.Cleanup != nil && def.PreConsume == nil:
		return errors.New("it has a Cleanup without a PreConsume")
	case len(def.Example) > 0 && !json.Valid(def.Example):
		return errors.New("its Example is not JSON")
	}
	for _, auth := range def.AuthTypes {
		if auth != "bot" && auth != "user" {
			return fmt.Errorf("its AuthTypes have %q, must be bot or user", auth)
		}
	}
	if err := checkSchema(def); err != nil {
		return err
	}
	return checkParams(def)
}

func checkSchema(def *KeyDefinition) error {
	native, custom := def.Schema.Native, def.Schema.Custom
	if (native == nil) == (custom == nil) {
		return errors.New("its Schema must set exactly one of Native and Custom")
	}
	if native != nil && def.Process != nil {
		return errors.New("its Process must be nil when Schema.Native is set")
	}
	name, spec := "Custom", custom
	if native != nil {
		name, spec = "Native", native
	}
	if (spec.Type == nil) == (len(spec.Raw) == 0) {
		return fmt.Errorf("its Schema.%s must set exactly one of Type and Raw", name)
	}
	if len(spec.Raw) > 0 && !json.Valid(spec.Raw) {
		return fmt.Errorf("its Schema.%s.Raw is not JSON", name)
	}
	if err := schemas.CheckOverrides(def.payloadSource()); err != nil {
		return fmt.Errorf("its Schema.FieldOverrides: %w", err)
	}
	return nil
}

func checkParams(def *KeyDefinition) error {
	seen := map[string]bool{}
	for _, p := range def.Params {
		if seen[p.Name] {
			return fmt.Errorf("param %q is defined twice", p.Name)
		}
		seen[p.Name] = true
		if err := CheckParam(p); err != nil {
			return fmt.Errorf("param %q: %w", p.Name, err)
		}
	}
	if def.EventType == AnyEventType && !seen[EventTypeParam] {
		return fmt.Errorf("its EventType %q needs a param named %q", AnyEventType, EventTypeParam)
	}
	return nil
}

// CheckParam returns the first rule that a parameter breaks by itself.
func CheckParam(p ParamDef) error {
	if p.Name == "" {
		return errors.New("it has no Name")
	}
	switch p.Type {
	case ParamString, ParamBool, ParamInt:
	case ParamEnum, ParamMulti:
		if len(p.Values) == 0 {
			return fmt.Errorf("type %s needs Values", p.Type)
		}
	default:
		return fmt.Errorf("unknown Type %q", p.Type)
	}
	if p.Description == "" {
		return errors.New("it has no Description")
	}
	if p.Required && p.Default != "" {
		return errors.New("it has both Required and Default, which exclude each other")
	}
	for _, v := range p.Values {
		switch {
		case v.Value == "":
			return errors.New("a value is empty")
		case v.Desc == "":
			return fmt.Errorf("value %q has no Desc", v.Value)
		case strings.Contains(v.Value, ","):
			return fmt.Errorf("value %q contains a comma", v.Value)
		}
	}
	if p.Default != "" {
		if _, err := canonical(p, p.Default); err != nil {
			return fmt.Errorf("its Default %q: %w", p.Default, err)
		}
	}
	return nil
}
