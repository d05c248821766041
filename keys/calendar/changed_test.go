package calendar

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
	calendarID = "feishu.cn_KR3hX2iynefv5Vcfat@group.calendar.feishu.cn"
	onCalendar = "/open-apis/calendar/v4/calendars/" + calendarID
	fetchCall  = "GET " + onCalendar + "/events/75d28f9b-e35c-4230-8a83-4a661497db54_0?need_attendee=true&max_attendee_num=50&user_id_type=open_id"
)

// answering is a platform that has the recorded event.
func answering(t *testing.T) *keytest.API {
	t.Helper()
	answer, err := os.ReadFile("testdata/answer.json")
	if err != nil {
		t.Fatal(err)
	}
	return &keytest.API{Answers: map[string]string{fetchCall: string(answer)}}
}

// run runs the key on an event, holds what it gives against the schema, and reads it.
func run(t *testing.T, rt eventcore.APIClient, payload []byte) (*EventChanged, error) {
	t.Helper()
	def := eventChangedKey()
	data, err := def.Process(t.Context(), rt, &eventcore.RawEvent{Payload: payload}, map[string]string{paramCalendar: calendarID})
	if data == nil {
		return nil, err
	}
	keytest.Validate(t, def, data)
	var out EventChanged
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return &out, err
}

func TestRecordedEvents(t *testing.T) {
	def := eventChangedKey()
	for name, calls := range map[string][]string{
		eventChanged: {fetchCall},
		"replied":    {fetchCall},
		"deleted":    nil,
		"untold":     nil, // the platform does not say which event it was
	} {
		t.Run(name, func(t *testing.T) {
			api := answering(t)
			if _, err := keytest.Golden(t, def, api, name, nil); err != nil {
				t.Error(err)
			}
			api.Want(t, calls...)
		})
	}
}

func TestEventThatCannotBeFetchedIsDeliveredWithTheError(t *testing.T) {
	recorded := keytest.Recorded(t, eventChangedKey(), eventChanged)
	for name, tt := range map[string]struct {
		rt     eventcore.APIClient
		want   string
		scopes int
	}{
		"refused":               {&keytest.API{Refuse: keytest.Denied()}, "title, time and attendees", 1},
		"no client":             {nil, "no access to the open API", 0},
		"deleted meanwhile":     {&keytest.API{Answers: map[string]string{fetchCall: `{}`}}, "without the event", 0},
		"an answer of no sense": {&keytest.API{Answers: map[string]string{fetchCall: `{"event":[]}`}}, "cannot be read", 0},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tt.rt, recorded.Payload)
			if out == nil || out.CalendarID != calendarID || out.EventID == "" || out.Change != "updated" {
				t.Fatalf("got %+v", out)
			}
			var failure *eventcore.Error
			if !errors.As(err, &failure) || !strings.Contains(failure.Message, tt.want) || len(failure.Scopes) != tt.scopes || failure.Hint == "" {
				t.Errorf("error %+v", err)
			}
		})
	}
}

func TestAllDayEventHasDaysInsteadOfTimes(t *testing.T) {
	recorded := keytest.Recorded(t, eventChangedKey(), eventChanged)
	out, err := run(t, &keytest.API{Answers: map[string]string{fetchCall: `{"event":{
		"start_time":{"date":"2026-01-05","timezone":"UTC"},"end_time":{"date":"soon"}}}`}}, recorded.Payload)
	if err != nil || out.StartDate != "2026-01-05" || out.Start+out.End+out.EndDate+out.TimeZone != "" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestLongTextsAndListsAreCut(t *testing.T) {
	attendees := slices.Repeat([]map[string]string{{"display_name": "a"}}, 70)
	answer, err := json.Marshal(map[string]any{"event": map[string]any{
		"summary": strings.Repeat("日", 1001), "description": strings.Repeat("日", 4000), "attendees": attendees,
	}})
	if err != nil {
		t.Fatal(err)
	}
	recorded := keytest.Recorded(t, eventChangedKey(), eventChanged)
	out, err := run(t, &keytest.API{Answers: map[string]string{fetchCall: string(answer)}}, recorded.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if len([]rune(out.Title)) != 1001 || !strings.HasSuffix(out.Title, "…") || len([]rune(out.Description)) != 4000 {
		t.Errorf("%d and %d characters", len([]rune(out.Title)), len([]rune(out.Description)))
	}
	if len(out.Attendees) != maxAttendees || !out.MoreAttendees {
		t.Errorf("%d attendees, more: %v", len(out.Attendees), out.MoreAttendees)
	}
}

func TestMatch(t *testing.T) {
	mine, kinds := map[string]string{paramCalendar: calendarID}, map[string]string{paramCalendar: calendarID, paramChange: "created,replied"}
	for name, tt := range map[string]struct {
		event  string
		params map[string]string
		want   bool
	}{
		"the calendar":       {`{"calendar_id":"` + calendarID + `","change_type":"update"}`, mine, true},
		"another calendar":   {`{"calendar_id":"x@group.calendar.feishu.cn"}`, mine, false},
		"no calendar":        {`{}`, mine, true},
		"a kind asked for":   {`{"calendar_id":"` + calendarID + `","change_type":"rsvp"}`, kinds, true},
		"another kind":       {`{"calendar_id":"` + calendarID + `","change_type":"update"}`, kinds, false},
		"no kind":            {`{"calendar_id":"` + calendarID + `"}`, kinds, true},
		"an event of no use": {`"odd"`, kinds, true},
	} {
		t.Run(name, func(t *testing.T) {
			raw := &eventcore.RawEvent{Payload: []byte(`{"event":` + tt.event + `}`)}
			if got := matchChanged(raw, tt.params); got != tt.want {
				t.Errorf("match = %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzProcess(f *testing.F) {
	answer, err := os.ReadFile("testdata/answer.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, event := range []string{
		`{"event":{"calendar_id":"` + calendarID + `","calendar_event_id":"75d28f9b-e35c-4230-8a83-4a661497db54_0","change_type":"create","user_id_list":[null,{"open_id":7}],"rsvp_infos":[null,{"from_user_id":"ou_1","rsvp_status":null}]}}`,
		`{"event":{"calendar_id":7,"calendar_event_id":{},"change_type":[]}}`, `{"event":{"rsvp_infos":{}}}`, `{"event":null}`, `[]`, ``,
	} {
		f.Add([]byte(event), answer)
		f.Add([]byte(event), []byte(`{"event":{"summary":null,"start_time":null,"end_time":{"timestamp":99999999999999999},"attendees":[null,{"is_optional":"x"}],"vchat":null,"location":{}}}`))
	}
	def := eventChangedKey()
	f.Fuzz(func(t *testing.T, event, answer []byte) {
		raw := &eventcore.RawEvent{Payload: event}
		matchChanged(raw, map[string]string{paramCalendar: calendarID, paramChange: deleted})
		data, err := def.Process(t.Context(), &keytest.API{Answers: map[string]string{fetchCall: string(answer)}}, raw, nil)
		if data == nil && err == nil {
			t.Errorf("%s is dropped without a word", event)
		}
		if data != nil && !json.Valid(data) {
			t.Errorf("not JSON: %s", data)
		}
	})
}
