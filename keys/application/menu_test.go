package application

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestExampleSatisfiesItsSchema(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestMenuIsReadWithoutAnyCall(t *testing.T) {
	for _, name := range []string{menuChosen, "loose_types"} {
		t.Run(name, func(t *testing.T) {
			api := &keytest.API{Refuse: keytest.Denied()}
			if _, err := keytest.Golden(t, menuKey(), api, name, nil); err != nil {
				t.Error(err)
			}
			api.Want(t)
		})
	}
}

func TestParams(t *testing.T) {
	def := menuKey()
	raw := keytest.Recorded(t, def, menuChosen)
	for given, want := range map[string]bool{"": true, " ": true, " start_report ": true, "Start_report": false, "stop": false} {
		params := map[string]string{"event_key": given}
		if err := def.NormalizeParams(t.Context(), nil, params); err != nil {
			t.Fatal(err)
		}
		if got := def.Match(raw, params); got != want {
			t.Errorf("%q: %v, want %v", given, got, want)
		}
		if !def.Match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"operator":1}}`)}, params) {
			t.Error("an event that cannot be read is lost")
		}
		if !def.Match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"operator":{}}}`)}, params) {
			t.Errorf("%q: an event that names no entry is lost", given)
		}
	}
}

func FuzzProcess(f *testing.F) {
	payload, err := os.ReadFile("testdata/" + menuChosen + ".json")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(payload), ``, `{}`, `{"event":null}`, `{"event":{"operator":null,"timestamp":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		def := menuKey()
		def.Match(raw, map[string]string{"event_key": "x"})
		data, err := def.Process(t.Context(), nil, raw, nil)
		if (data == nil) == (err == nil) || data != nil && !json.Valid(data) {
			t.Errorf("%s gives %s, %v", payload, data, err)
		}
	})
}
