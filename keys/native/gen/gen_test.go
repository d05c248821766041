package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	larkdispatcher "github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"

	"github.com/larkevents/lark-events-mcp/keys/curated"
	"github.com/larkevents/lark-events-mcp/keys/native"
)

// nativeEvents are the event types that need a native key, by domain. They are loaded once: it takes the Go command.
var nativeEvents = sync.OnceValues(func() (map[string][]*event, error) {
	events, err := loadEvents()
	return perDomain(slices.DeleteFunc(events, isCurated())), err
})

// load returns the real event types, and the real tables, which the test may change.
func load(t *testing.T) (map[string][]*event, tables) {
	t.Helper()
	byDomain, err := nativeEvents()
	if err != nil {
		t.Fatal(err)
	}
	all, err := readTables("../tables")
	if err != nil {
		t.Fatal(err)
	}
	return byDomain, all
}

func TestTheGeneratedFilesAreWhatTheTablesSay(t *testing.T) {
	files, err := generate(load(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the tables and the SDK give (%v): run go generate ./keys", name, err)
		}
	}
}

// dispatched are the event types and callbacks that the SDK's dispatcher takes a handler for, found by giving it one of
// each: by another way than the generator's, which reads the source.
func dispatched(t *testing.T) []string {
	t.Helper()
	d := reflect.ValueOf(larkdispatcher.NewEventDispatcher("", ""))
	for i := range d.NumMethod() {
		name, method := d.Type().Method(i).Name, d.Method(i)
		if strings.HasPrefix(name, "OnP") && method.Type().NumIn() == 1 {
			method.Call([]reflect.Value{reflect.Zero(method.Type().In(0))})
		}
	}
	var names []string
	for _, field := range handlerMaps {
		for _, name := range d.Elem().FieldByName(field).MapKeys() {
			names = append(names, name.String())
		}
	}
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

func TestAFaultOfATableIsNamed(t *testing.T) {
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
