package calendar

import (
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const primaryCall = "POST /open-apis/calendar/v4/calendars/primary"

func TestExamplesSatisfyTheirSchemas(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestSubscriptionCalls(t *testing.T) {
	type calls struct{ on, off string }
	events := calls{"POST " + onCalendar + "/events/subscription", "POST " + onCalendar + "/events/unsubscription"}
	access := calls{"POST " + onCalendar + "/acls/subscription", "POST " + onCalendar + "/acls/unsubscription"}
	want := map[string]calls{
		eventChanged: events,
		calendarsChanged: {
			"POST /open-apis/calendar/v4/calendars/subscription", "POST /open-apis/calendar/v4/calendars/unsubscription",
		},
		"calendar.calendar.acl.created_v4": access,
		"calendar.calendar.acl.deleted_v4": access,
	}
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			call, ok := want[def.Key]
			if !ok {
				t.Fatal("no call is known")
			}
			api := &keytest.API{Answers: map[string]string{call.on: `{}`, call.off: `{}`}}
			params := map[string]string{paramCalendar: calendarID}
			cleanup, err := def.PreConsume(t.Context(), api, params)
			if err != nil {
				t.Fatal(err)
			}
			api.Want(t, call.on)
			if err := cleanup(); err != nil {
				t.Error(err)
			}
			api.Want(t, call.off)
			if err := def.Cleanup(t.Context(), api, params); err != nil {
				t.Error(err)
			}
			api.Want(t, call.off)
			cleanup, err = def.PreConsume(t.Context(), &keytest.API{Refuse: keytest.Denied()}, params)
			if cleanup != nil || err == nil {
				t.Error("a refused subscribe call gave a cleanup")
			}
		})
	}
}

func TestOnlyTheListOfCalendarsIsForAllCalendars(t *testing.T) {
	for _, def := range Keys() {
		one := eventcore.SubscriptionIdentity(&def, map[string]string{paramCalendar: "a@b"})
		other := eventcore.SubscriptionIdentity(&def, map[string]string{paramCalendar: "c@d"})
		if (one == other) != (def.Key == calendarsChanged) {
			t.Errorf("%s: identities %s and %s", def.Key, one, other)
		}
	}
}

func TestNormalize(t *testing.T) {
	const answer = `{"calendars":[{"user_id":"ou_1"},{"calendar":{"calendar_id":"` + calendarID + `","type":"primary"},"user_id":"ou_2"}]}`
	for given, tt := range map[string]struct {
		want  string
		calls []string
	}{
		"primary":              {calendarID, []string{primaryCall}},
		" Primary ":            {calendarID, []string{primaryCall}},
		"":                     {calendarID, []string{primaryCall}},
		" " + calendarID + " ": {calendarID, nil},
		"ada@gmail.example":    {"ada@gmail.example", nil},
	} {
		api := &keytest.API{Answers: map[string]string{primaryCall: answer}}
		params := map[string]string{paramCalendar: given}
		if err := normalize(t.Context(), api, params); err != nil || params[paramCalendar] != tt.want {
			t.Errorf("%q becomes %q, %v", given, params[paramCalendar], err)
		}
		api.Want(t, tt.calls...)
	}
}

func TestNormalizeRefuses(t *testing.T) {
	answers := func(primary string) *keytest.API {
		return &keytest.API{Answers: map[string]string{primaryCall: primary}}
	}
	for name, tt := range map[string]struct {
		rt    eventcore.APIClient
		given string
		code  eventcore.Code
	}{
		"a name":                {nil, "Team calendar", eventcore.CodeInvalidParams},
		"a link":                {nil, "https://applink.feishu.cn/client/calendar/event/detail?calendarId=70396&key=a@b", eventcore.CodeInvalidParams},
		"the number of a link":  {nil, "7039673579105026066", eventcore.CodeInvalidParams},
		"no client":             {nil, "primary", eventcore.CodeCredentialsMissing},
		"refused":               {&keytest.API{Refuse: keytest.Denied()}, "primary", eventcore.CodePermissionDenied},
		"no calendar":           {answers(`{"calendars":[]}`), "primary", eventcore.CodePlatformError},
		"an id of no sense":     {answers(`{"calendars":[{"calendar":{"calendar_id":"../x"}}]}`), "primary", eventcore.CodePlatformError},
		"an answer of no sense": {answers(`[]`), "primary", eventcore.CodePlatformError},
	} {
		t.Run(name, func(t *testing.T) {
			err := normalize(t.Context(), tt.rt, map[string]string{paramCalendar: tt.given})
			if err == nil {
				t.Fatal("it is accepted")
			}
			failure := eventcore.AsError(err)
			if failure.Code != tt.code || failure.Hint == "" || tt.code == eventcore.CodeInvalidParams && failure.Param != paramCalendar {
				t.Errorf("error %+v", failure)
			}
		})
	}
}

// The platform refuses the call for events of a calendar to those who may only list calendars.
func TestEachKeyNamesTheScopesOfItsCall(t *testing.T) {
	want := map[string]string{
		eventChanged: "calendar:calendar.event:read ", calendarsChanged: "calendar:calendar:read ",
		"calendar.calendar.acl.created_v4": "calendar:calendar.acl:read ", "calendar.calendar.acl.deleted_v4": "calendar:calendar.acl:read ",
	}
	for _, def := range Keys() {
		if scope := want[def.Key]; scope == "" || !strings.HasPrefix(def.Scopes[0], scope) {
			t.Errorf("%s needs %q, want %q", def.Key, def.Scopes, scope)
		}
		if last := def.Scopes[len(def.Scopes)-1]; last != readCalendars {
			t.Errorf("%s needs %q last, and not %q for the main calendar", def.Key, last, readCalendars)
		}
	}
}
