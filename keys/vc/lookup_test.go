package vc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestRefusedLookupsLeaveWhatTheEventSays(t *testing.T) {
	tests := map[string]struct{ known, missing, scope string }{
		"vc.meeting.participant_meeting_started_v1": {"7628148899983674909", "the link, the status and the participants", "vc:meeting.meetingevent:read or vc:meeting:readonly"},
		"vc.meeting.participant_meeting_joined_v1":  {"Weekly release sync", "the link, the status and the participants", "vc:meeting.meetingevent:read or vc:meeting:readonly"},
		"vc.meeting.participant_meeting_ended_v1":   {"2026-01-02T08:16:45Z", "the link, the status and the participants", "vc:meeting.meetingevent:read or vc:meeting:readonly"},
		"vc.note.generated_v1":                      {"7616590025794260496", "the meeting, the creator and the documents", "vc:note:read"},
	}
	for name, tt := range tests {
		def := keyNamed(t, name)
		for _, api := range []eventcore.APIClient{&keytest.API{Refuse: keytest.Denied()}, nil} {
			data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, name), nil)
			keytest.Validate(t, def, data)
			if !strings.Contains(string(data), tt.known) {
				t.Errorf("%s: got %s, want %s", name, data, tt.known)
			}
			var failure *eventcore.Error
			if !errors.As(err, &failure) || !strings.Contains(failure.Message, tt.missing) {
				t.Errorf("%s: error %v", name, err)
			} else if api != nil && (len(failure.Scopes) != 1 || failure.Scopes[0] != tt.scope) {
				t.Errorf("%s: scopes %v", name, failure.Scopes)
			}
		}
	}
}

func TestLookupsAreTheseCalls(t *testing.T) {
	calls := map[string][]string{
		"vc.meeting.participant_meeting_ended_v1": {lookupMeeting},
		"vc.note.generated_v1": {lookupNote, describeDocs +
			` {"request_docs":[{"doc_token":"doxcnNotes","doc_type":"docx"},{"doc_token":"doxcnWords","doc_type":"docx"},{"doc_token":"doxcnPlan","doc_type":"docx"}],"with_url":true}`},
		"vc.recording.recording_ended_v1": nil,
		"vc.bot.meeting_invited_v1":       nil,
	}
	for name, want := range calls {
		api, def := platform(), keyNamed(t, name)
		if _, err := def.Process(t.Context(), api, keytest.Recorded(t, def, name), nil); err != nil {
			t.Error(err)
		}
		api.Want(t, want...)
	}
}

func TestNoteWithoutTitlesIsStillDelivered(t *testing.T) {
	def := noteKey()
	for name, answer := range map[string]string{"refused": "", "broken": `[]`} {
		api := platform()
		if api.Refuse = keytest.Denied(); answer == "" {
			delete(api.Answers, describeDocs)
		} else {
			api.Answers[describeDocs] = answer
		}
		data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
		keytest.Validate(t, def, data)
		if !strings.Contains(string(data), `"type":"notes","doc_token":"doxcnNotes"`) || err == nil || !strings.Contains(err.Error(), "titles and links") {
			t.Errorf("%s: got %s, %v", name, data, err)
		}
		if name == "refused" && eventcore.AsError(err).Scopes[0] != keydef.DocumentsScope {
			t.Errorf("scopes %v", eventcore.AsError(err).Scopes)
		}
	}
}

func TestDocumentsThatThePlatformDoesNotDescribeAreTold(t *testing.T) {
	def, api := noteKey(), platform()
	api.Answers[describeDocs] = `{"failed_list":[{"token":"doxcnNotes","code":970003},{"token":"doxcnWords","code":970003},{"token":"doxcnPlan","code":970005}]}`
	data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
	failure := eventcore.AsError(err)
	if !strings.Contains(string(data), "doxcnNotes") || err == nil || failure.PlatformCode != 970003 ||
		!strings.Contains(failure.Message, "doxcnNotes (code 970003)") || !strings.Contains(failure.Message, "doxcnPlan (code 970005)") {
		t.Errorf("got %s, %v", data, err)
	}
}

// sheets knows the shared document as a spreadsheet only.
type sheets struct{ *keytest.API }

func (s sheets) CallAPI(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	if asked, _ := json.Marshal(body); strings.Contains(string(asked), `"doc_token":"doxcnPlan","doc_type":"sheet"`) {
		return json.RawMessage(`{"metas":[{"doc_token":"doxcnPlan","title":"Plan"}],"failed_list":[{"token":"doxcnPlan","code":970005}]}`), nil
	}
	return s.API.CallAPI(ctx, method, path, body)
}

func TestSharedDocumentOfAnotherTypeGetsItsTitle(t *testing.T) {
	def, api := noteKey(), platform()
	api.Answers[describeDocs] = strings.Replace(docsAnswer, `{"doc_token":"doxcnPlan"`, `{"doc_token":"doxcnElse"`, 1)
	data, err := def.Process(t.Context(), sheets{api}, keytest.Recorded(t, def, def.Key), nil)
	if err != nil || !strings.Contains(string(data), `"doc_token":"doxcnPlan","title":"Plan"`) {
		t.Errorf("got %s, %v", data, err)
	}
}

// late knows no note at the first call.
type late struct {
	*keytest.API
	asked bool
}

func (l *late) CallAPI(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	if !l.asked {
		l.asked = true
		return nil, &eventcore.Error{Code: eventcore.CodePlatformError, Message: "not found", PlatformCode: noteNotFound}
	}
	return l.API.CallAPI(ctx, method, path, body)
}

func TestNoteThatComesLateIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		def := noteKey()
		data, err := def.Process(t.Context(), &late{API: platform()}, keytest.Recorded(t, def, def.Key), nil)
		if err != nil || !strings.Contains(string(data), "doxcnNotes") {
			t.Errorf("got %s, %v", data, err)
		}
		api := platform()
		api.Answers[lookupNote] = `{"note":{}}`
		data, err = def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
		if err != nil || strings.Contains(string(data), "documents") {
			t.Errorf("got %s, %v", data, err)
		}
		api.Want(t, lookupNote, lookupNote)
	})
}

func TestLookupWithoutMeetingIsTold(t *testing.T) {
	def := keyNamed(t, "vc.meeting.participant_meeting_ended_v1")
	api := &keytest.API{Answers: map[string]string{lookupMeeting: `{}`}}
	data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
	if data == nil || err == nil || !strings.Contains(err.Error(), "has no meeting") {
		t.Errorf("got %s, %v", data, err)
	}
}

func TestIDsAreEscapedInPaths(t *testing.T) {
	api := &keytest.API{Refuse: keytest.Denied()}
	for name, event := range map[string]string{"vc.meeting.participant_meeting_ended_v1": `{"meeting":{"id":"../x?y"}}`, "vc.note.generated_v1": `{"note_id":"../x?y"}`} {
		def := keyNamed(t, name)
		if data, _ := def.Process(t.Context(), api, &eventcore.RawEvent{Payload: []byte(`{"event":` + event + `}`)}, nil); data == nil {
			t.Errorf("%s gives nothing", event)
		}
		if name == "vc.note.generated_v1" {
			api.Want(t, "GET /open-apis/vc/v1/notes/..%2Fx%3Fy?user_id_type=open_id")
		} else {
			api.Want(t, "GET /open-apis/vc/v1/meetings/..%2Fx%3Fy?with_participants=true&user_id_type=open_id")
		}
	}
}

func TestLongListsOfParticipantsAreCut(t *testing.T) {
	var list []string
	for i := range 130 {
		list = append(list, fmt.Sprintf(`{"id":"ou_%d","user_type":1}`, i))
	}
	api := &keytest.API{Answers: map[string]string{lookupMeeting: `{"meeting":{"participants":[` + strings.Join(list, ",") + `]}}`}}
	def := keyNamed(t, "vc.meeting.participant_meeting_ended_v1")
	data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
	var out ParticipantMeeting
	if err != nil || json.Unmarshal(data, &out) != nil || len(out.Participants) != 100 || out.MoreParticipants != 30 {
		t.Errorf("%d participants, %d more, %v", len(out.Participants), out.MoreParticipants, err)
	}
}
