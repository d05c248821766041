package keys

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/curated"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

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
			keytest.Validate(t, *def, def.Example)
			keytest.CompareGolden(t, filepath.Join("testdata", "schemas", def.Key+".json"), raw)
			if raw, err = eventcore.ParamsSchema(def.Key); err != nil {
				t.Fatal(err)
			}
			keytest.Compile(t, raw)
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
