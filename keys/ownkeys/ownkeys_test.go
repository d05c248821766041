package ownkeys

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func loadKeys(t *testing.T) map[string]eventcore.KeyDefinition {
	t.Helper()
	defs, err := Load("testdata/keys")
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]eventcore.KeyDefinition{}
	for _, def := range defs {
		byKey[def.Key] = def
	}
	return byKey
}

func TestAnOwnKeyNarrowsAndTransforms(t *testing.T) {
	def := loadKeys(t)["acme.order.paid_v1"]
	event := func(text string) *eventcore.RawEvent {
		return &eventcore.RawEvent{EventType: def.EventType, Payload: json.RawMessage(`{"event":` + text + `}`)}
	}
	tests := []struct {
		event  string
		params map[string]any
		want   bool
	}{
		{`{"id":"o","status":"paid","amount":100,"shop":"eu"}`, nil, true},
		{`{"id":"o","status":"open","amount":100,"shop":"eu"}`, nil, false},
		{`{"id":"o","status":"paid","amount":100,"shop":"eu"}`, map[string]any{"min_amount": 101}, false},
		{`{"id":"o","status":"paid","amount":100,"shop":"eu"}`, map[string]any{"shops": []any{"us"}}, false},
		{`{"id":"o","status":"paid","amount":100,"shop":"us"}`, map[string]any{"shops": []any{"us", "eu"}}, true},
	}
	for _, test := range tests {
		params, err := eventcore.ResolveParams(&def, test.params)
		if err != nil {
			t.Fatal(err)
		}
		if got := def.Match(event(test.event), params); got != test.want {
			t.Errorf("%s with %v: %v, want %v", test.event, test.params, got, test.want)
		}
	}
	data, err := def.Process(t.Context(), nil, event(`{"id":"<o>","status":"paid","amount":12345678901234567890,"shop":"eu"}`), nil)
	if want := `{"amount":12345678901234567890,"order_id":"<o>","shop":"eu"}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v; want %s", data, err, want)
	}
	// An event that the expression does not fit is kept, and told of.
	if !def.Match(event(`[1]`), nil) {
		t.Error("an event that the match expression fails on was dropped")
	}
	if data, err := def.Process(t.Context(), nil, event(`[1]`), nil); err == nil || data != nil {
		t.Errorf("a failed transform gives %s", data)
	}
	if !strings.Contains(string(def.Example), `"o-1"`) {
		t.Errorf("the example %s is not made of the example event", def.Example)
	}
}

func TestAnOwnKeyWithoutTransformGivesTheEnvelope(t *testing.T) {
	def := loadKeys(t)["acme.ticket.opened_v1"]
	if def.EventType != def.Key || def.Process != nil || def.Schema.Native == nil || def.RequiredConsoleEvents[0] != def.Key {
		t.Errorf("%+v", def)
	}
}

func TestErrorsNameFileAndField(t *testing.T) {
	const good = `{"key":"acme.x_v1","title":"X","description":"` +
		`something happened in a system of our own, and this text is long enough to say what it was","schema":{}`
	tests := map[string]struct{ text, want string }{
		"no JSON":             {"{\n\n  nonsense", "line 3"},
		"not complete":        {`{"key":`, "not complete"},
		"more":                {good + "}\n{}", "line 2: there is more"},
		"unknown field":       {good + `,"tile":"x"}`, `"tile"`},
		"wrong type":          {good + `,"params":[{"name":1}]}`, "params.name: it is a number"},
		"no key":              {strings.Replace(good, "acme.x_v1", "", 1) + `}`, "key: "},
		"key with spaces":     {strings.Replace(good, "acme.x_v1", "a b.c", 1) + `}`, `key: "a b.c"`},
		"no title":            {strings.Replace(good, `"X"`, `""`, 1) + `}`, "title: "},
		"short description":   {`{"key":"acme.x_v1","title":"X","description":"short","schema":{}}`, "description: it has 5 bytes"},
		"no schema":           {strings.Replace(good, `,"schema":{}`, "", 1) + `}`, "schema: it is missing"},
		"bad schema":          {strings.Replace(good, `{}`, `{"type":"nonsense"}`, 1) + `}`, "schema: "},
		"schema elsewhere":    {strings.Replace(good, `{}`, `{"$ref":"file:///etc/passwd"}`, 1) + `}`, "schema: "},
		"auth":                {good + `,"auth":["root"]}`, `auth[0]: "root"`},
		"param without desc":  {good + `,"params":[{"name":"a","type":"enum","description":"d","values":[{"value":"v"}]}]}`, `params[0]: value "v" has no Desc`},
		"param type":          {good + `,"params":[{"name":"a","type":"text","description":"d"}]}`, `params[0]: unknown Type "text"`},
		"param twice":         {good + `,"params":[{"name":"a","type":"int","description":"d"},{"name":"a","type":"int","description":"d"}]}`, "params[1].name"},
		"match":               {good + `,"match":".["}`, "match: the expression is no jq expression"},
		"transform":           {good + `,"transform":"nope(1)"}`, "transform: the expression does not compile"},
		"unknown variable":    {good + `,"match":"$other"}`, "match: "},
		"example":             {strings.Replace(good, `{}`, `{"required":["a"]}`, 1) + `,"transform":".event","example":{}}`, "example: "},
		"example event":       {strings.Replace(good, `{}`, `{"required":["a"]}`, 1) + `,"transform":".event","example_event":{"event":{}}}`, "example_event: what comes of it"},
		"dropped example":     {good + `,"match":"false","example_event":{}}`, "example_event: the match expression drops it"},
		"endless transform":   {good + `,"transform":"def f: f; f","example_event":{}}`, "did not end within"},
		"transform of no one": {good + `,"transform":"empty","example_event":{}}`, "example_event: the transform expression drops it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "key.json")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			defs, err := Load(dir)
			if err == nil {
				t.Fatalf("loaded %+v", defs)
			}
			if !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want the file and %q", err, test.want)
			}
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.json"} {
		text := `{"key":"acme.same_v1","title":"","description":"d"}`
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(dir)
	if err == nil {
		t.Fatal("loaded")
	}
	// Title, description and schema in both files, and the key that both define.
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 7 || !strings.Contains(err.Error(), "defined in "+filepath.Join(dir, "a.json")) {
		t.Errorf("%d faults: %v", lines, err)
	}
}

func TestAFolderWithoutKeysIsAnError(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	odd := filepath.Join(dir, "a[b]*")
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/keys/ticket_opened.json")
	if err == nil {
		err = os.WriteFile(filepath.Join(odd, "k.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if defs, err := Load(odd); err != nil || len(defs) != 1 {
		t.Errorf("a folder with an odd name: %d keys, %v", len(defs), err)
	}
}

// What is tried out at start is what a subscription gets that gives no more params than it must.
func TestTheExampleIsTriedWithParamsAsTheyComeLive(t *testing.T) {
	f := file{
		Key: "acme.x_v1", Title: "X", Description: strings.Repeat("It happens. ", 10), Schema: json.RawMessage(`{}`),
		Params: []eventcore.ParamDef{
			{Name: "shop", Type: eventcore.ParamString, Description: "optional"},
			{Name: "min", Type: eventcore.ParamInt, Required: true, Description: "required"},
		},
		Match: `$params.shop == null and $params.min > 0`, Transform: `$params`, ExampleEvent: json.RawMessage(`{"event":{}}`),
	}
	def, faults := f.definition()
	if len(faults) > 0 || string(def.Example) != `{"min":1}` {
		t.Errorf("the example is %s, faults %v", def.Example, faults)
	}
	f.EventType = "im message/receive"
	if _, faults := f.definition(); len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "event_type: ") {
		t.Errorf("an impossible event type: %v", faults)
	}
}
