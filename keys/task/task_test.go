package task

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const (
	guid       = "83912691-2e43-47fc-94a4-d512e03984fa"
	taskCall   = "GET /open-apis/task/v2/tasks/" + guid + "?user_id_type=open_id"
	taskAnswer = `{"task":{"guid":"` + guid + `","task_id":"t108213","summary":"Ship <4.2> & tell sales","description":"Ask Ben first.",
		"status":"done","completed_at":"1767344529871","created_at":"1767258129871",
		"due":{"timestamp":"1767571200000","is_all_day":true},"start":{"timestamp":"1767344400000","is_all_day":false},
		"creator":{"id":"ou_84aad35d084aa403a838cf73ee184671","type":"user","role":"creator"},
		"members":[{"id":"ou_c1b2d94e7fa0836512cd4ef09a7b6d38","type":"user","role":"assignee","name":"Ben Okafor"},
			{"id":"cli_a7c31f9be2d8d00c","type":"app","role":"assignee"},
			{"id":"ou_84aad35d084aa403a838cf73ee184671","type":"user","role":"follower"},{"id":"ou_x","role":"editor"}],
		"tasklists":[{"tasklist_guid":"cc371766-6584-cf50-a222-c22cd9055004","section_guid":"e6e37dcc-f75a-5936-f589-12fb4b5c80c2"}],
		"url":"https://applink.feishu.cn/client/todo/detail?guid=` + guid + `"}}`
)

func TestExampleSatisfiesItsSchema(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestTaskIsLookedUp(t *testing.T) {
	for _, name := range []string{taskUpdated, "created"} {
		t.Run(name, func(t *testing.T) {
			api := &keytest.API{Answers: map[string]string{taskCall: taskAnswer}}
			if _, err := keytest.Golden(t, updateKey(), api, name, nil); err != nil {
				t.Error(err)
			}
			api.Want(t, taskCall)
		})
	}
}

func TestDeletedTaskIsNotLookedUp(t *testing.T) {
	api := &keytest.API{}
	if _, err := keytest.Golden(t, updateKey(), api, "deleted", nil); err != nil {
		t.Error(err)
	}
	api.Want(t)
}

func TestRefusedLookupLeavesTheEvent(t *testing.T) {
	def := updateKey()
	data, err := def.Process(t.Context(), &keytest.API{Refuse: keytest.Denied()}, keytest.Recorded(t, def, taskUpdated), nil)
	var failure *eventcore.Error
	if !errors.As(err, &failure) || !slices.Equal(failure.Scopes, []string{"task:task:read"}) || !strings.Contains(failure.Message, "title, status") {
		t.Errorf("error %+v", failure)
	}
	if want := `{"task_guid":"` + guid + `","changes":["completion_changed","dates_changed","task_custom_field_update"]}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	keytest.Validate(t, def, data)
}

func TestSubscribeCall(t *testing.T) {
	const on = "POST /open-apis/task/v2/task_v2/task_subscription?user_id_type=open_id"
	def := updateKey()
	api := &keytest.API{Answers: map[string]string{on: "{}"}}
	cleanup, err := def.PreConsume(t.Context(), api, nil)
	if cleanup != nil || err != nil {
		t.Errorf("cleanup %v, error %v", cleanup != nil, err)
	}
	api.Want(t, on)
	if err := def.Cleanup(t.Context(), api, nil); err != nil {
		t.Error(err)
	}
	api.Want(t)
	if _, err := def.PreConsume(t.Context(), &keytest.API{Refuse: keytest.Denied(readScope)}, nil); !eventcore.IsCode(err, eventcore.CodePermissionDenied) {
		t.Errorf("a refused call gives %v", err)
	}
	if !def.SingleConsumer {
		t.Error("a second consumer is let in")
	}
}

func TestNormalize(t *testing.T) {
	for given, want := range map[string]string{
		"": "", " ": "", guid: guid, strings.ToUpper(guid): guid,
		"https://applink.feishu.cn/client/todo/detail?guid=" + guid + "&suite_entity_num=t108213": guid,
	} {
		params := map[string]string{"task_guid": given}
		if err := normalize(t.Context(), nil, params); err != nil || params["task_guid"] != want {
			t.Errorf("%q becomes %q, %v", given, params["task_guid"], err)
		}
	}
	for _, given := range []string{"t108213", "Ship it", "https://applink.feishu.cn/client/todo/detail", guid + "/x"} {
		var refused *eventcore.Error
		err := normalize(t.Context(), nil, map[string]string{"task_guid": given})
		if !errors.As(err, &refused) || refused.Code != eventcore.CodeInvalidParams || refused.Param != "task_guid" || refused.Hint == "" {
			t.Errorf("%q gives %v", given, err)
		}
	}
}

func TestMatch(t *testing.T) {
	def := updateKey()
	raw := keytest.Recorded(t, def, taskUpdated)
	for _, tt := range []struct {
		params map[string]string
		want   bool
	}{
		{nil, true},
		{map[string]string{"change": "created,dates_changed", "task_guid": guid}, true},
		{map[string]string{"change": "created,deleted"}, false},
		{map[string]string{"task_guid": "0" + guid[1:]}, false},
	} {
		if got := match(raw, tt.params); got != tt.want {
			t.Errorf("%v: %v", tt.params, got)
		}
		if !match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"event_types":"x"}}`)}, tt.params) {
			t.Error("an event that cannot be read is lost")
		}
		if !match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"event_types":[]}}`)}, tt.params) {
			t.Errorf("%v: an event that does not say is lost", tt.params)
		}
	}
}

func FuzzProcess(f *testing.F) {
	for _, name := range []string{taskUpdated, "deleted"} {
		payload, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload, []byte(taskAnswer))
		f.Add(payload, []byte(`{"task":{"due":{"timestamp":99999999999999999,"is_all_day":true},"members":[null],"creator":null}}`))
		f.Add(payload, []byte(`{"task":[]}`))
	}
	for _, broken := range []string{``, `{}`, `{"event":1}`, `{"event":{"task_guid":"../x","event_types":[null,{}]}}`} {
		f.Add([]byte(broken), []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, payload, answer []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		def := updateKey()
		def.Match(raw, map[string]string{"change": "created", "task_guid": guid})
		for _, rt := range []eventcore.APIClient{nil, &keytest.API{Answers: map[string]string{taskCall: string(answer)}}} {
			data, err := def.Process(t.Context(), rt, raw, nil)
			if data == nil && err == nil {
				t.Errorf("%s is dropped without a word", payload)
			}
			if data != nil && !json.Valid(data) {
				t.Errorf("not JSON: %s", data)
			}
		}
	})
}
