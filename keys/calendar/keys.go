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

func scopes() []string { return []string{"calendar:calendar:read"} }

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
