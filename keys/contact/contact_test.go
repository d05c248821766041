package contact

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestExamplesSatisfyTheirSchemas(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestRecordedEventsAreReadWithoutAnyCall(t *testing.T) {
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			api := &keytest.API{Refuse: keytest.Denied()}
			if _, err := keytest.Golden(t, def, api, def.Key, nil); err != nil {
				t.Error(err)
			}
			api.Want(t)
		})
	}
	if _, err := keytest.Golden(t, byName(t, "contact.user.updated_v3"), nil, "few_scopes", nil); err != nil {
		t.Error(err)
	}
}

func TestUserStatus(t *testing.T) {
	for flags, want := range map[string]string{
		`{"is_activated":true}`: "active", `{"is_activated":false,"is_frozen":false}`: "not_activated", `{"is_unjoin":true}`: "not_joined",
		`{"is_activated":true,"is_frozen":true}`: "frozen", `{"is_exited":true,"is_frozen":true}`: "exited",
		`{"is_exited":true,"is_resigned":"true"}`: "resigned", `{}`: "", `null`: "", ``: "", `[1]`: "",
	} {
		if got := userStatus(json.RawMessage(flags)); got != want {
			t.Errorf("%s is %q, want %q", flags, got, want)
		}
	}
}

func TestChanges(t *testing.T) {
	for name, tt := range map[string]struct{ event, want string }{
		"no old values":     {`{"object":{"name":"a"}}`, `[]`},
		"same":              {`{"object":{"name":"a","x":[1, 2]},"old_object":{"name":"a","x":[1,2]}}`, `[]`},
		"came":              {`{"object":{"city":"Bern"},"old_object":{"city":""}}`, `[{"field":"city","new":"Bern"}]`},
		"went":              {`{"object":{},"old_object":{"city":"Bern"}}`, `[{"field":"city","old":"Bern"}]`},
		"empty in two ways": {`{"object":{"city":null,"l":[]},"old_object":{"city":"","l":null}}`, `[]`},
		"by name":           {`{"object":{"b":2,"a":1},"old_object":{"b":1,"a":2}}`, `[{"field":"a","old":2,"new":1},{"field":"b","old":1,"new":2}]`},
		"in words":          {`{"object":{"employee_type":"9","join_time":0},"old_object":{"employee_type":3,"join_time":"1767312000"}}`, `[{"field":"employee_type","old":"outsourced","new":"9"},{"field":"join_time","old":"2026-01-02T00:00:00Z","new":0}]`},
		"odd":               {`{"object":{"status":7},"old_object":{"status":{"is_frozen":true},"avatar":"x"}}`, `[{"field":"avatar","old":"x"},{"field":"status","old":"frozen","new":7}]`},
	} {
		event, err := keydef.Decode[update](&eventcore.RawEvent{Payload: json.RawMessage(`{"event":` + tt.event + `}`)})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(event.changes()); string(got) != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestNormalize(t *testing.T) {
	for _, def := range Keys() {
		for given, want := range map[string]string{"": "", " ": "", "0": "0", " od-4e6a ": "od-4e6a"} {
			params := map[string]string{"department_id": given}
			if err := def.NormalizeParams(t.Context(), nil, params); err != nil || params["department_id"] != want {
				t.Errorf("%s: %q becomes %q, %v", def.Key, given, params["department_id"], err)
			}
		}
		for _, given := range []string{"Platform", "D-096", "https://acme.feishu.cn/admin"} {
			var refused *eventcore.Error
			err := def.NormalizeParams(t.Context(), nil, map[string]string{"department_id": given})
			if !errors.As(err, &refused) || refused.Code != eventcore.CodeInvalidParams || refused.Param != "department_id" ||
				refused.Hint == "" || !strings.Contains(refused.Message, def.Key) {
				t.Errorf("%s: %q gives %v", def.Key, given, err)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	const (
		platform = "od-4e6ac4d14bcd5071a37a39de902c7141"
		research = "od-b1c2d3e4f5a64b7c8d9e0f1a2b3c4d5e"
	)
	in := func(id string) map[string]string { return map[string]string{"department_id": id} }
	for _, tt := range []struct {
		key, event string
		params     map[string]string
		want       bool
	}{
		{"contact.user.created_v3", "", nil, true},
		{"contact.user.created_v3", "", in(platform), true},
		{"contact.user.created_v3", "", in(research), false},
		{"contact.user.deleted_v3", "", in(platform), true}, // only the old entry tells
		{"contact.user.deleted_v3", "", in(research), false},
		{"contact.user.updated_v3", "", in(platform), true}, // before
		{"contact.user.updated_v3", "", in(research), true}, // now
		{"contact.user.updated_v3", "", in("0"), false},
		{"contact.user.updated_v3", "few_scopes", in(platform), true}, // no department is told
		{"contact.user.updated_v3", "", map[string]string{"changed": "name,job_title"}, true},
		{"contact.user.updated_v3", "", map[string]string{"changed": "name,city"}, false}, // city is there, but the same
		{"contact.user.updated_v3", "", map[string]string{"changed": "job_title", "department_id": "0"}, false},
		{"contact.department.created_v3", "", in(research), true},
		{"contact.department.created_v3", "", in("0"), false},
		{"contact.department.updated_v3", "", in(platform), true},
		{"contact.department.updated_v3", "", in("0"), true}, // it was there before
		{"contact.department.updated_v3", "", in("od-1"), false},
		{"contact.department.updated_v3", "", map[string]string{"changed": "parent_department_id"}, true},
		{"contact.department.updated_v3", "", map[string]string{"changed": "order,chat_id"}, false},
		{"contact.department.deleted_v3", "", in(platform), true},
		{"contact.department.deleted_v3", "", in("od-1"), false},
	} {
		def := byName(t, tt.key)
		event := tt.event
		if event == "" {
			event = tt.key
		}
		if got := def.Match(keytest.Recorded(t, def, event), tt.params); got != tt.want {
			t.Errorf("%s of %s with %v: %v", event, tt.key, tt.params, got)
		}
		if !def.Match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"object":1,"old_object":[]}}`)}, tt.params) {
			t.Errorf("%s loses an event that cannot be read", tt.key)
		}
	}
}

func TestEveryFieldThatCanBeAskedForIsOneOfThePlatforms(t *testing.T) {
	for key, fields := range map[string][]eventcore.ParamValue{"contact.user.created_v3": userFields(), "contact.department.created_v3": departmentFields()} {
		event, err := keydef.Decode[update](keytest.Recorded(t, byName(t, key), key))
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fields {
			if _, ok := event.Object[field.Value]; !ok {
				t.Errorf("%s: %s is no field of the recorded event", key, field.Value)
			}
		}
	}
}

func FuzzProcess(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if file.IsDir() || strings.HasSuffix(file.Name(), ".golden.json") {
			continue
		}
		payload, err := os.ReadFile("testdata/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	for _, broken := range []string{``, `{}`, `{"event":null}`, `{"event":{"object":[]}}`, `{"event":{"object":{"status":1,"department_ids":"x","avatar":[],"leaders":{},"join_time":{}},"old_object":{"a":null}}}`} {
		f.Add([]byte(broken))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		for _, def := range Keys() {
			def.Match(raw, map[string]string{"department_id": "0", "changed": "name"})
			data, err := def.Process(t.Context(), nil, raw, nil)
			if (data == nil) == (err == nil) || data != nil && !json.Valid(data) {
				t.Errorf("%s: %s gives %s, %v", def.Key, payload, data, err)
			}
		}
	})
}

func byName(t *testing.T, key string) eventcore.KeyDefinition {
	t.Helper()
	all := Keys()
	i := slices.IndexFunc(all, func(def eventcore.KeyDefinition) bool { return def.Key == key })
	if i < 0 {
		t.Fatalf("there is no key %s", key)
	}
	return all[i]
}
