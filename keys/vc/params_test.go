package vc

import (
	"errors"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestMeetingParamTakesNumbersLinksAndIDs(t *testing.T) {
	for given, want := range map[string]string{
		"235812466": "235812466", " 235 812 466 ": "235812466", "235-812-466": "235812466",
		"https://vc.feishu.cn/j/235812466": "235812466", "https://vc.larksuite.com/j/235812466/?from=x#y": "235812466",
		"6911188411934433028": "6911188411934433028", "": "", " ": "",
	} {
		params := map[string]string{paramMeeting: given}
		if err := normalizeMeeting(t.Context(), nil, params); err != nil || params[paramMeeting] != want {
			t.Errorf("%q becomes %q, %v", given, params[paramMeeting], err)
		}
	}
	for _, given := range []string{"Weekly release sync", "https://sample.feishu.cn/docx/abc", "https://vc.feishu.cn/j/", "https://vc.feishu.cn/j/abc", "12", "om_123456789"} {
		err := normalizeMeeting(t.Context(), nil, map[string]string{paramMeeting: given})
		var failure *eventcore.Error
		if !errors.As(err, &failure) || failure.Code != eventcore.CodeInvalidParams || failure.Param != paramMeeting || failure.Hint == "" {
			t.Errorf("%q gives %v", given, err)
		}
	}
}

func TestMatchByMeetingAndUser(t *testing.T) {
	for _, name := range []string{"vc.meeting.participant_meeting_ended_v1", "vc.bot.meeting_ended_v1", "vc.bot.meeting_activity_v1"} {
		def := keyNamed(t, name)
		raw := keytest.Recorded(t, def, name)
		for meeting, want := range map[string]bool{"": true, "235812466": true, "235812467": false, "7628148899983674909": true, "7628148899983674908": false} {
			if got := def.Match(raw, map[string]string{paramMeeting: meeting}); got != want {
				t.Errorf("%s: meeting %q: %v", name, meeting, got)
			}
		}
	}
	def := keyNamed(t, "vc.meeting.participant_meeting_joined_v1")
	api := &keytest.API{Answers: map[string]string{"GET /open-apis/authen/v1/user_info": `{"open_id":"ou_somebody_else"}`}}
	params := map[string]string{"only_mine": "true", paramMeeting: "235-812-466"}
	if err := def.NormalizeParams(t.Context(), api, params); err != nil || params[paramMeeting] != "235812466" {
		t.Fatalf("params %v, %v", params, err)
	}
	if def.Match(keytest.Recorded(t, def, def.Key), params) {
		t.Error("another user's meeting passes")
	}
	if err := def.NormalizeParams(t.Context(), api, map[string]string{paramMeeting: "no"}); err == nil {
		t.Error("a meeting that is none passes")
	}
}

func TestActivitiesAreChosen(t *testing.T) {
	def := activityKey()
	raw := keytest.Recorded(t, def, def.Key)
	for chosen, want := range map[string]string{
		"chat_received":                       "chat_received chat_received",
		"participant_left,participant_joined": "participant_joined participant_joined participant_left",
		"other":                               "poll_started",
		"magic_share_started,countdown":       "magic_share_started countdown",
	} {
		params := map[string]string{paramActivities: chosen}
		if !def.Match(raw, params) {
			t.Errorf("%s does not match", chosen)
		}
		data, err := def.Process(t.Context(), nil, raw, params)
		if err != nil {
			t.Fatal(err)
		}
		keytest.Validate(t, def, data)
		var kinds []string
		for _, part := range strings.Split(string(data), `"type":"`)[1:] {
			kind, _, _ := strings.Cut(part, `"`)
			kinds = append(kinds, kind)
		}
		if strings.Join(kinds, " ") != want {
			t.Errorf("%s gives %v", chosen, kinds)
		}
	}
	one := &eventcore.RawEvent{Payload: []byte(`{"event":{"meeting_activity_items":[{"participant_left_items":[{}]}]}}`)}
	params := map[string]string{paramActivities: chatReceived}
	if data, err := def.Process(t.Context(), nil, one, params); def.Match(one, params) || data != nil || err != nil {
		t.Errorf("got %s, %v", data, err)
	}
}

func TestActivitiesOfOlderAndLooserEvents(t *testing.T) {
	data, err := keytest.Golden(t, activityKey(), nil, "activity_misspelled", nil)
	if err != nil || !strings.Contains(string(data), `"meeting_id":"7628148899983674909"`) {
		t.Errorf("got %s, %v", data, err)
	}
}
