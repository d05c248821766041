package keys

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/curated"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRegisterIsIdempotent(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	Register()
	eventcore.UnregisterKeyForTest("im.chat.updated_v1")
	Register()
	registered := eventcore.ListAll()
	all := All()
	slices.SortFunc(all, func(a, b eventcore.KeyDefinition) int { return strings.Compare(a.Key, b.Key) })
	if !slices.EqualFunc(registered, all, func(def *eventcore.KeyDefinition, want eventcore.KeyDefinition) bool { return def.Key == want.Key }) {
		t.Errorf("%d keys are registered, %d defined", len(registered), len(all))
	}
	for _, def := range registered {
		if eventcore.DomainDescription(def.Domain()) == "" {
			t.Errorf("nobody says what the domain of %s is about", def.Key)
		}
		if _, ok := eventcore.Lookup(def.SupersededBy); def.SupersededBy != "" && !ok {
			t.Errorf("%s is superseded by %s, which does not exist", def.Key, def.SupersededBy)
		}
	}
}

func TestEveryKeySaysWhatAModelNeeds(t *testing.T) {
	for _, def := range All() {
		t.Run(def.Key, func(t *testing.T) {
			if err := keydef.CheckTitle(def.DisplayName); err != nil {
				t.Errorf("title: %v", err)
			}
			if err := keydef.CheckDescription(def.Description); err != nil {
				t.Errorf("description: %v", err)
			}
			if len(def.AuthTypes) == 0 {
				t.Error("no identity")
			}
			if def.EventType == eventcore.AnyEventType {
				return
			}
			if len(def.RequiredConsoleEvents) != 1 || def.Domain() != eventcore.DomainV1 && def.RequiredConsoleEvents[0] != def.EventType {
				t.Errorf("console events %v", def.RequiredConsoleEvents)
			}
		})
	}
}

// withoutScopes are the keys written by hand for which the platform asks no scope.
var withoutScopes = []string{"application.bot.menu_v6", "event.any"}

func TestEveryKeyWrittenByHandNamesItsScopes(t *testing.T) {
	for _, def := range curated.Keys() {
		if (len(def.Scopes) == 0) != slices.Contains(withoutScopes, def.Key) {
			t.Errorf("%s: scopes %v", def.Key, def.Scopes)
		}
	}
}

func TestEveryExampleSatisfiesItsSchema(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	for _, def := range eventcore.ListAll() {
		t.Run(def.Key, func(t *testing.T) {
			raw, err := eventcore.PayloadSchema(def.Key)
			if err != nil {
				t.Fatal(err)
			}
			schema := compile(t, raw)
			example := decode(t, def.Example)
			if err := schema.Validate(example); err != nil {
				t.Error(err)
			}
			if unknown := undescribed(decode(t, raw), example, ""); len(unknown) > 0 && def.EventType != eventcore.AnyEventType {
				t.Errorf("members of the example that the schema does not know: %v", unknown)
			}
			compareGolden(t, def.Key, raw)
			if raw, err = eventcore.ParamsSchema(def.Key); err != nil {
				t.Fatal(err)
			}
			compile(t, raw)
		})
	}
}

func TestEveryExampleFileBelongsToAKey(t *testing.T) {
	known := map[string]bool{}
	for _, def := range All() {
		known[def.Key] = true
	}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(filepath.Dir(path)) != "examples" {
			return err
		}
		if !known[strings.TrimSuffix(entry.Name(), ".json")] {
			t.Errorf("%s is the example of no key", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// undescribed returns the members of value that the schema, open as it is, has no property for. An object without
// properties is free in what it holds.
func undescribed(schema, value any, path string) []string {
	s, _ := schema.(map[string]any)
	var unknown []string
	switch v := value.(type) {
	case map[string]any:
		properties, described := s["properties"].(map[string]any)
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

func compile(t *testing.T, raw json.RawMessage) *jsonschema.Schema {
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

func decode(t *testing.T, raw []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return value
}

func compareGolden(t *testing.T, key string, schema []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, schema, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	path := filepath.Join("testdata", "schemas", key+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("%s differs; run go test -update and look at the diff", path)
	}
}
