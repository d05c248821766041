package main

import (
	"bytes"
	"go/ast"
	"go/constant"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/larkevents/lark-events-mcp/keys/curated"
	"github.com/larkevents/lark-events-mcp/keys/native"
)

// sdk is the dispatcher's source. It is loaded once: it takes seconds.
var sdk = sync.OnceValues(loadDispatcher)

// allEvents returns the event types of the SDK.
func allEvents(t *testing.T) []*event {
	t.Helper()
	pkg, err := sdk()
	if err != nil {
		t.Fatal(err)
	}
	events, err := eventsOf(pkg)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// load returns the real event types that need a native key, by domain, and the real tables, which the test may change.
func load(t *testing.T) (map[string][]*event, tables) {
	t.Helper()
	all, err := readTables("../tables")
	if err != nil {
		t.Fatal(err)
	}
	return perDomain(slices.DeleteFunc(allEvents(t), isCurated())), all
}

func TestTheGeneratedFilesAreWhatTheTablesAndTheSDKSay(t *testing.T) {
	files, err := generate(load(t))
	if err != nil {
		t.Fatal(err)
	}
	platform, err := generatePlatform(allEvents(t))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(files, platform)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the tables and the SDK give (%v): run go generate ./keys", name, err)
		}
	}
}

// dispatched returns the event types and callbacks for which the dispatcher's source looks into a map of handlers, for
// whatever reason: found by another way than the generator's, which goes by the assignments to maps of certain names.
// Each method that takes a handler must name one at least.
func dispatched(t *testing.T) []string {
	t.Helper()
	pkg, err := sdk()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range pkg.Syntax {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			found := handled(pkg.TypesInfo, function)
			if strings.HasPrefix(function.Name.Name, "OnP") && len(found) == 0 {
				t.Errorf("%s names no event type", function.Name.Name)
			}
			names = append(names, found...)
		}
	}
	return names
}

// handled returns the constant keys by which a function looks into maps of handlers.
func handled(info *types.Info, function *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(function, func(n ast.Node) bool {
		index, ok := n.(*ast.IndexExpr)
		if !ok {
			return true
		}
		m, ok := info.TypeOf(index.X).Underlying().(*types.Map)
		if key := info.Types[index.Index].Value; ok && key != nil && strings.HasSuffix(m.Elem().String(), "Handler") {
			names = append(names, constant.StringVal(key))
		}
		return true
	})
	return names
}

func TestEveryEventTypeOfTheSDKHasAKey(t *testing.T) {
	known := map[string]bool{}
	for _, def := range slices.Concat(curated.Keys(), native.Keys()) {
		known[def.EventType] = true
	}
	names := dispatched(t)
	if len(names) < len(native.Keys()) {
		t.Fatalf("the dispatcher takes %d event types only, there are %d native keys", len(names), len(native.Keys()))
	}
	for _, name := range names {
		if known[name] == (name == "app_ticket") {
			t.Errorf("%s: it has a key: %t", name, known[name])
		}
	}
}

func TestAMistakeInATableIsNamed(t *testing.T) {
	const domain, name = "im", "im.message.recalled_v1"
	for _, c := range []struct {
		fault string
		make  func(*table)
		want  []string
	}{
		{"an entry without title", func(tab *table) {
			words := tab.Keys[name]
			words.Title = ""
			tab.Keys[name] = words
		}, []string{name, "title"}},
		{"a missing entry", func(tab *table) { delete(tab.Keys, name) }, []string{name + " has no entry"}},
		{"an unknown pointer", func(tab *table) {
			tab.Keys[name].Fields["/message/nothing"] = meaning{Description: "nothing"}
		}, []string{name, "/message/nothing points at no field"}},
		{"an entry that no event type needs", func(tab *table) {
			tab.Keys["im.message.nothing_v1"] = tab.Keys[name]
		}, []string{"im.message.nothing_v1 is no event type"}},
		{"a name that no field has", func(tab *table) {
			tab.Fields["nothing_id"] = meaning{Description: "nothing"}
		}, []string{"no event has a field nothing_id"}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			byDomain, all := load(t)
			c.make(all[domain])
			_, err := merge(domain, byDomain[domain], all)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(c.want, "tables/im.json") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error names more than the one fault: %v", err)
			}
		})
	}
}

func TestADomainWithoutTableAndATableWithoutDomainAreNamed(t *testing.T) {
	byDomain, all := load(t)
	all["nothing"] = &table{Domain: "nothing"}
	delete(all, "im")
	_, err := generate(byDomain, all)
	if err == nil || !strings.Contains(err.Error(), "tables/im.json is missing") || !strings.Contains(err.Error(), "tables/nothing.json") {
		t.Errorf("error %v", err)
	}
}

func TestATableWithAnUnknownMemberIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "im.json")
	if err := os.WriteFile(file, []byte(`{"domain":"im","keys":{"im.message.recalled_v1":{"titel":"Message recalled"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readTables(dir); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "titel") {
		t.Errorf("error %v", err)
	}
}
