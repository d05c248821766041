package vc

import (
	"cmp"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// eventMeeting is a meeting as events have it; those for bots lack owner and calendar event.
type eventMeeting struct {
	ID              keydef.Text `json:"id"`
	Topic           keydef.Text `json:"topic"`
	MeetingNo       keydef.Text `json:"meeting_no"`
	StartTime       keydef.Text `json:"start_time"`
	EndTime         keydef.Text `json:"end_time"`
	CalendarEventID keydef.Text `json:"calendar_event_id"`
	HostUser        meetingUser `json:"host_user"`
	Owner           meetingUser `json:"owner"`
}

// meetingUser is someone, or something, that takes part in a meeting. The id is an object of ids in events and a text
// in answers of the API. Names come as user_name or, as seen by users of the platform, as name.
type meetingUser struct {
	ID         keydef.UserID `json:"id"`
	SeenOpenID keydef.Text   `json:"open_id"`
	UserName   keydef.Text   `json:"user_name"`
	SeenName   keydef.Text   `json:"name"`
	UserType   keydef.Text   `json:"user_type"`
}

func (u meetingUser) openID() string { return cmp.Or(string(u.ID), string(u.SeenOpenID)) }

func (u meetingUser) name() string { return cmp.Or(string(u.UserName), string(u.SeenName)) }

// kind says what takes part, if that is not a person with an account.
func (u meetingUser) kind() string {
	if u.UserType == "1" || u.UserType == "0" {
		return ""
	}
	return word(u.UserType, map[string]string{
		"2": "room", "3": "document", "4": "device_user", "5": "device_guest", "6": "phone", "7": "sip", "10": "bot",
	})
}

// word is the name of a number that the platform uses; one without a name stays as it is.
func word(value keydef.Text, words map[string]string) string {
	return cmp.Or(words[string(value)], string(value))
}
