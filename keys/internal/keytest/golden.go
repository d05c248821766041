package keytest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/schemas"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Recorded reads testdata/NAME.json, an envelope as the platform sends it.
func Recorded(t *testing.T, def eventcore.KeyDefinition, name string) *eventcore.RawEvent {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return &eventcore.RawEvent{EventType: def.EventType, Payload: payload}
}

// Golden runs a key's Process on the recorded event testdata/NAME.json and holds the payload against the key's
// schema and against testdata/NAME.golden.json, which -update rewrites. It returns what Process returned.
func Golden(t *testing.T, def eventcore.KeyDefinition, rt eventcore.APIClient, name string, params map[string]string) (json.RawMessage, error) {
	t.Helper()
	data, err := def.Process(t.Context(), rt, Recorded(t, def, name), params)
	if data == nil {
		t.Fatalf("%s gives no payload: %v", name, err)
	}
	Validate(t, def, data)
	CompareGolden(t, filepath.Join("testdata", name+".golden.json"), data)
	return data, err
}

// Validate holds a payload against the key's schema, by an independent validator, and fails on members that the
// schema, open as it is, does not know.
func Validate(t *testing.T, def eventcore.KeyDefinition, payload json.RawMessage) {
	t.Helper()
	source := schemas.Source{Overrides: def.Schema.FieldOverrides}
	spec := def.Schema.Custom
	if def.Schema.Native != nil {
		spec, source.EnvelopeOf = def.Schema.Native, def.EventType
	}
	source.Type, source.Raw = spec.Type, spec.Raw
	raw, err := schemas.Payload(source)
	if err != nil {
		t.Fatal(err)
	}
	schema := Compile(t, raw)
	value := decode(t, payload)
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", def.Key, err, payload)
	}
	if unknown := undescribed(decode(t, raw), value, ""); len(unknown) > 0 {
		t.Errorf("%s: members that the schema does not know: %s", def.Key, strings.Join(unknown, ", "))
	}
}

// Compile compiles a schema by an independent validator, formats included.
func Compile(t *testing.T, raw json.RawMessage) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", decode(t, raw)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// CompareGolden holds JSON against the golden file at path, which -update rewrites.
func CompareGolden(t *testing.T, path string, raw json.RawMessage) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test -update", err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; run go test -update and look at the diff:\n%s", path, &got)
	}
}

// undescribed returns the members of value that the schema has no property for. An object without properties is
// free in what it holds.
func undescribed(schema, value any, path string) []string {
	s, _ := schema.(map[string]any)
	properties, described := s["properties"].(map[string]any)
	var unknown []string
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			property, ok := properties[name]
			if !ok && described {
				unknown = append(unknown, path+"/"+name)
				continue
			}
			unknown = append(unknown, undescribed(property, member, path+"/"+name)...)
		}
	case []any:
		for _, item := range v {
			unknown = append(unknown, undescribed(s["items"], item, path+"/*")...)
		}
	}
	return unknown
}

func decode(t *testing.T, raw []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return value
}
