package vc

import (
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const (
	lookupMeeting = "GET /open-apis/vc/v1/meetings/7628148899983674909?with_participants=true&user_id_type=open_id"
	lookupNote    = "GET /open-apis/vc/v1/notes/7616590025794260496?user_id_type=open_id"
	describeDocs  = "POST /open-apis/drive/v1/metas/batch_query"
)

const meetingAnswer = `{"meeting":{"id":"7628148899983674909","topic":"Renamed since","url":"https://vc.feishu.cn/j/235812466",
	"meeting_no":"235812466","password":"971024","create_time":"1767339990","start_time":"1767340000","end_time":"1767341805",
	"host_user":{"id":"ou_84aad35d084aa403a838cf73ee184671","user_type":1},"status":3,"participant_count":"3",
	"participant_count_accumulated":"4","note_id":"7616590025794260496","participants":[
	{"id":"ou_84aad35d084aa403a838cf73ee184671","first_join_time":"1767340000","final_leave_time":"1767341805","in_meeting_duration":"1805","user_type":1,"is_host":true,"is_cohost":false,"is_external":false,"status":4},
	{"id":"ou_c1b2d94e7fa0836512cd4ef09a7b6d38","user_name":"Ben Okafor","first_join_time":"1767340005","final_leave_time":"0","user_type":1,"is_cohost":true,"is_external":true,"status":2},
	{"id":"omm_eada1d61a550955240c28757e7dec3af","first_join_time":"1767340003","user_type":2,"status":4},
	{"id":"3634203","user_type":9,"status":7}]}}`

const noteAnswerJSON = `{"note":{"creator_id":"ou_84aad35d084aa403a838cf73ee184671","create_time":"1767341990","note_display_type":1,
	"artifacts":[{"artifact_type":1,"create_time":"1767341990","doc_token":"doxcnNotes"},{"artifact_type":2,"create_time":"1767341990","doc_token":"doxcnWords"}],
	"references":[{"reference_type":1,"doc_token":"doxcnPlan"},{"reference_type":1,"doc_token":"doxcnNotes"}],
	"note_source":{"source_type":"meeting","source_entity_id":"7628148899983674909"}}}`

const docsAnswer = `{"metas":[{"doc_token":"doxcnNotes","doc_type":"docx","title":"Notes: Weekly release sync","url":"https://sample.feishu.cn/docx/doxcnNotes"},
	{"doc_token":"doxcnWords","doc_type":"docx","title":"Transcript: Weekly release sync","url":"https://sample.feishu.cn/docx/doxcnWords"},
	{"doc_token":"doxcnPlan","doc_type":"docx","title":"Release plan","url":"https://sample.feishu.cn/docx/doxcnPlan"}]}`

// platform answers all lookups.
func platform() *keytest.API {
	return &keytest.API{Answers: map[string]string{lookupMeeting: meetingAnswer, lookupNote: noteAnswerJSON, describeDocs: docsAnswer}}
}

func keyNamed(t *testing.T, name string) eventcore.KeyDefinition {
	t.Helper()
	for _, def := range Keys() {
		if def.Key == name {
			return def
		}
	}
	t.Fatalf("there is no key %s", name)
	return eventcore.KeyDefinition{}
}

func TestExamplesSatisfyTheirSchemas(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestDescriptionsSayWhatHappenedFirst(t *testing.T) {
	for _, def := range Keys() {
		if first, _, _ := strings.Cut(def.Description, ". "); len(first) > 200 {
			t.Errorf("%s: the first sentence has %d bytes", def.Key, len(first))
		}
	}
}

func TestRecordedEvents(t *testing.T) {
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			data, err := keytest.Golden(t, def, platform(), def.Key, nil)
			if err != nil {
				t.Error(err)
			}
			if strings.Contains(string(data), "971024") {
				t.Error("the meeting's password is told")
			}
		})
	}
}

func TestBrokenEventsAreNeitherLostNorFatal(t *testing.T) {
	payloads := []string{``, `null`, `[]`, `{}`, `{"event":null}`, `{"event":[]}`, `{"event":{}}`, `{"event":"text"}`,
		`{"event":{"meeting":null,"note_id":null,"unique_key":null,"meeting_activity_items":null}}`,
		`{"event":{"meeting":{"id":{}},"note_id":[],"unique_key":false,"meeting_activity_items":[null,{},{"a_items":7,"chat_received_items":[null,1,{"content":{}}]}]}}`,
		`{"event":{"meeting":{"id":1,"meeting_no":2,"host_user":{"id":null}},"note_id":1,"recording_id":2,"transcript_items":[null,{"speaker":null,"text":1}],"subscriber_ids":[null,1,{}]}}`}
	for _, def := range Keys() {
		for _, payload := range payloads {
			raw := &eventcore.RawEvent{Payload: []byte(payload)}
			data, err := def.Process(t.Context(), &keytest.API{Refuse: keytest.Denied()}, raw, nil)
			if data == nil && err == nil {
				t.Errorf("%s: %q is dropped without a word", def.Key, payload)
			}
			if data != nil {
				keytest.Validate(t, def, data)
			}
			if def.Match != nil && !def.Match(raw, map[string]string{"only_mine": "true", "activities": "chat_received,other"}) {
				t.Errorf("%s: %q does not match", def.Key, payload)
			}
		}
	}
}

func TestKeysOfAUserAreSubscribedTo(t *testing.T) {
	paths := map[string]string{
		"vc.meeting.participant_meeting_started_v1":      "meetings",
		"vc.meeting.participant_meeting_joined_v1":       "meetings",
		"vc.meeting.participant_meeting_ended_v1":        "meetings",
		"vc.note.generated_v1":                           "notes",
		"vc.recording.recording_started_v1":              "recordings",
		"vc.recording.recording_ended_v1":                "recordings",
		"vc.recording.recording_transcript_generated_v1": "recordings",
	}
	for _, def := range Keys() {
		path, subscribes := paths[def.Key]
		if subscribes != (def.PreConsume != nil) || subscribes != (def.AuthTypes[0] == "user") {
			t.Errorf("%s: subscribes %v, listens as %v", def.Key, def.PreConsume != nil, def.AuthTypes)
		}
		if !subscribes {
			continue
		}
		on, off := "POST /open-apis/vc/v1/"+path+"/subscription", "POST /open-apis/vc/v1/"+path+"/unsubscription"
		body := ` {"event_type":"` + def.Key + `"}`
		api := &keytest.API{Answers: map[string]string{on: `{}`, off: `{}`}}
		cleanup, err := def.PreConsume(t.Context(), api, nil)
		if err != nil {
			t.Fatal(err)
		}
		api.Want(t, on+body)
		if err := cleanup(); err != nil {
			t.Error(err)
		}
		api.Want(t, off+body)
		if err := def.Cleanup(t.Context(), api, nil); err != nil {
			t.Error(err)
		}
		api.Want(t, off+body)
	}
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte(`{"event":{"meeting":{"id":"1"},"note_id":"2","unique_key":"3","meeting_activity_items":[{"chat_received_items":[{"content":"x"}]}]}}`))
	f.Add([]byte(`{"event":{"meeting":{"id":1},"transcript_items":[{"start_time_ms":-1}],"meeting_activity_items":[{"_items":[0]}]}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		for _, def := range Keys() {
			if data, err := def.Process(t.Context(), nil, raw, nil); data == nil && err == nil {
				t.Errorf("%s drops %s", def.Key, payload)
			}
			if def.Match != nil {
				def.Match(raw, map[string]string{paramMeeting: "235812466", paramActivities: otherActivity})
			}
		}
	})
}
