package calendar

import (
	"embed"
	"net/http"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

//go:embed examples
var examples embed.FS

// calendarsPath is what all calls of the domain start with.
const calendarsPath = "/open-apis/calendar/v4/calendars"

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	return append([]eventcore.KeyDefinition{eventChangedKey(), calendarsChangedKey()}, accessKeys()...)
}

// user is the identity that all keys of the domain listen as: the platform subscribes users to calendars.
func user() []string { return []string{"user"} }

// The scopes of the domain, the least first: calendar:calendar may also change calendars. Sources: "Subscribe to calendar change events", "Subscribe to event changes", "Subscribe
// to calendar ACL change events" and "Query primary calendar" of the open platform's documentation.
const (
	readCalendars = "calendar:calendar:read or calendar:calendar:readonly or calendar:calendar" // lists them, and tells the main one
	readEvents    = "calendar:calendar.event:read or calendar:calendar:readonly or calendar:calendar"
	readAccess    = "calendar:calendar.acl:read or calendar:calendar:readonly or calendar:calendar"
)

// post is a call without a body, as all subscribe calls of the domain are.
func post(path string) keydef.Call {
	return keydef.Call{Method: http.MethodPost, Path: path}
}

// perCalendar is the call that starts or ends the events about part of the calendar of the params.
func perCalendar(part, verb string) func(map[string]string) keydef.Call {
	return func(params map[string]string) keydef.Call {
		return post(calendarPath(params[paramCalendar]) + "/" + part + "/" + verb)
	}
}

func calendarPath(id string) string {
	return calendarsPath + "/" + url.PathEscape(id)
}
