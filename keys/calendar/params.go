package calendar

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// The params of the domain.
const (
	paramCalendar = "calendar_id"
	paramChange   = "change_type"
)

// primary stands for the calendar that every user has.
const primary = "primary"

func calendarParam() eventcore.ParamDef {
	return eventcore.ParamDef{
		Name: paramCalendar, Type: eventcore.ParamString, Default: primary, SubscriptionKey: true,
		Description: "the calendar to listen to: primary for the user's own main calendar (becomes its id), or the id of a calendar " +
			"the user can read, such as feishu.cn_xxxxxxxxxx@group.calendar.feishu.cn, as the API's list of calendars has it. " +
			"Each calendar is subscribed to by itself",
	}
}

// normalize makes the calendar an id, and refuses what cannot be one.
func normalize(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	id := strings.TrimSpace(params[paramCalendar])
	if id == "" || strings.EqualFold(id, primary) {
		found, err := fetchPrimary(ctx, rt)
		if err != nil {
			return err
		}
		id = found
	}
	if !isCalendarID(id) {
		return &eventcore.Error{
			Code: eventcore.CodeInvalidParams, Param: paramCalendar,
			Message: fmt.Sprintf("param %q must be %s or the id of a calendar", paramCalendar, primary),
			Hint: "ids look like feishu.cn_xxxxxxxxxx@group.calendar.feishu.cn; a calendar's name or a link to it does not do, " +
				"because links hold another id. GET " + calendarsPath + " lists the user's calendars with their ids",
		}
	}
	params[paramCalendar] = id
	return nil
}

// isCalendarID reports whether a text can be the id of a calendar: all have an @, those of other providers too.
func isCalendarID(text string) bool {
	name, domain, ok := strings.Cut(text, "@")
	return ok && name != "" && domain != "" && !strings.ContainsAny(text, " \t\r\n/?")
}

// fetchPrimary asks for the id of the user's main calendar.
func fetchPrimary(ctx context.Context, rt eventcore.APIClient) (string, error) {
	if rt == nil {
		return "", &eventcore.Error{
			Code: eventcore.CodeCredentialsMissing, Message: "the user's main calendar cannot be looked up without access to the open API",
			Hint: "set LARK_APP_ID, LARK_APP_SECRET and LARK_USER_ACCESS_TOKEN",
		}
	}
	data, err := rt.CallAPI(ctx, http.MethodPost, calendarsPath+"/"+primary, nil)
	if err != nil {
		return "", keydef.Missing("the user's main calendar", err, readCalendars)
	}
	var answer struct {
		Calendars []struct {
			Calendar struct {
				ID keydef.Text `json:"calendar_id"`
			} `json:"calendar"`
		} `json:"calendars"`
	}
	cause := json.Unmarshal(data, &answer)
	for _, c := range answer.Calendars {
		if id := string(c.Calendar.ID); isCalendarID(id) {
			return id, nil
		}
	}
	return "", &eventcore.Error{
		Code: eventcore.CodePlatformError, Message: "the platform did not say which the user's main calendar is",
		Hint: "give the id of the calendar as " + paramCalendar, Param: paramCalendar, Cause: cause,
	}
}
