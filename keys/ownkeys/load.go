package ownkeys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

// maxFiles bounds the files of a folder.
const maxFiles = 1000

// Load returns the keys of the files DIR/*.json, in the order of their names. The error holds one line for each fault,
// with the file and the field; a folder without a file is an error too, because it is most often a mistyped one.
func Load(dir string) ([]eventcore.KeyDefinition, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("keys folder: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(escape(dir), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("keys folder %s: %w", dir, err)
	}
	if len(paths) == 0 || len(paths) > maxFiles {
		return nil, fmt.Errorf("keys folder %s: it has %d files NAME.json, and must have 1 to %d", dir, len(paths), maxFiles)
	}
	var defs []eventcore.KeyDefinition
	var failed []error
	from := map[string]string{}
	for _, path := range paths {
		f, err := readFile(path)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", path, err))
			continue
		}
		def, faults := f.definition()
		if other, taken := from[def.Key]; taken {
			faults = append(faults, fmt.Errorf("key: %q is defined in %s already", def.Key, other))
		}
		from[def.Key] = path
		for _, fault := range faults {
			failed = append(failed, fmt.Errorf("%s: %w", path, fault))
		}
		defs = append(defs, def)
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	return defs, nil
}

// escape makes a folder's name stand for itself in a pattern.
func escape(dir string) string {
	var escaped []rune
	for _, r := range dir {
		switch r {
		case '*', '?', '[':
			escaped = append(escaped, '[', r, ']')
		default:
			escaped = append(escaped, r)
		}
	}
	return string(escaped)
}

// definition makes the key, and returns what is wrong with the file, each fault beginning with its field.
func (f *file) definition() (eventcore.KeyDefinition, []error) {
	def := eventcore.KeyDefinition{
		Key: f.Key, DisplayName: f.Title, Description: f.Description, EventType: f.EventType, Keywords: f.Keywords,
		Params: f.Params, Scopes: f.Scopes, AuthTypes: f.Auth, RequiredConsoleEvents: f.ConsoleEvents, Example: f.Example,
	}
	if def.EventType == "" {
		def.EventType = def.Key
	}
	if def.AuthTypes == nil {
		def.AuthTypes = []string{"bot"}
	}
	if def.RequiredConsoleEvents == nil {
		def.RequiredConsoleEvents = []string{def.EventType}
	}
	faults := f.check(def)
	match, err := compile(f.Match)
	if err != nil {
		faults = append(faults, fmt.Errorf("match: the expression %w", err))
	}
	transform, err := compile(f.Transform)
	if err != nil {
		faults = append(faults, fmt.Errorf("transform: the expression %w", err))
	}
	if match != nil {
		def.Match = func(raw *eventcore.RawEvent, params map[string]string) bool {
			keep, err := match.True(context.Background(), raw.Payload, values(&def, params))
			return keep || err != nil
		}
	}
	spec := &eventcore.SchemaSpec{Raw: f.Schema}
	def.Schema = eventcore.SchemaDef{Native: spec}
	if transform != nil {
		def.Schema = eventcore.SchemaDef{Custom: spec}
		def.Process = transformed(&def, transform)
	}
	if len(faults) == 0 {
		faults = f.tryOut(&def)
	}
	return def, faults
}

// compile compiles an expression on the envelope, in which $params are the subscription's; nil for none.
func compile(text string) (*jq.Program, error) {
	if text == "" {
		return nil, nil
	}
	return jq.Compile(text, "$params")
}

// transformed is the Process of a key with a transform: its first output, none or null to drop the event.
func transformed(def *eventcore.KeyDefinition, program *jq.Program) eventcore.ProcessFunc {
	return func(ctx context.Context, _ eventcore.APIClient, raw *eventcore.RawEvent, params map[string]string) (json.RawMessage, error) {
		var result json.RawMessage
		err := program.Outputs(ctx, raw.Payload, []any{values(def, params)}, func(output jq.Output) bool {
			result = output.JSON
			return false
		})
		if err != nil {
			return nil, fmt.Errorf("the transform of %s: %w", def.Key, err)
		}
		if string(result) == "null" {
			return nil, nil
		}
		return result, nil
	}
}

// values are the params as an expression sees them: typed, arrays and numbers included.
func values(def *eventcore.KeyDefinition, params map[string]string) any {
	text, err := json.Marshal(eventcore.TypedParams(def, params))
	if err != nil {
		return map[string]any{}
	}
	var plain any
	if json.Unmarshal(text, &plain) != nil {
		return map[string]any{}
	}
	return plain
}
