package vc

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const paramMeeting = "meeting"

// meetingNoLength tells a meeting number, which people dial, from a meeting id, which is longer.
const meetingNoLength = 9

func meetingParam() eventcore.ParamDef {
	return eventcore.ParamDef{
		Name: paramMeeting, Type: eventcore.ParamString,
		Description: "only this meeting: its 9-digit number, such as 235812466 (the same for each meeting of a series), its link " +
			"(https://vc.feishu.cn/j/235812466), or its long meeting_id, such as 6911188411934433028 (one meeting, known once it began)",
	}
}

// normalizeMeeting makes the param meeting the digits of a number or an id.
func normalizeMeeting(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
	given := strings.TrimSpace(params[paramMeeting])
	if given == "" {
		delete(params, paramMeeting)
		return nil
	}
	digits := strings.NewReplacer(" ", "", "-", "").Replace(given) // 235 812 466, as the client shows it
	if link, err := url.Parse(given); err == nil && link.Host != "" {
		digits = ""
		if _, after, ok := strings.Cut(link.Path, "/j/"); ok {
			digits = strings.Trim(after, "/")
		}
	}
	if len(digits) < meetingNoLength || strings.Trim(digits, "0123456789") != "" {
		return &eventcore.Error{
			Code:    eventcore.CodeInvalidParams,
			Message: fmt.Sprintf("param %q must be a meeting's 9-digit number, its link or its id", paramMeeting),
			Hint:    "a topic does not do: leave it out and filter on .topic, or take meeting_id of an earlier event",
			Param:   paramMeeting,
		}
	}
	params[paramMeeting] = digits
	return nil
}

// isMeeting reports whether a meeting is the one the params ask for. One of which too little is known is.
func isMeeting(meeting *eventMeeting, params map[string]string) bool {
	want := params[paramMeeting]
	have := meeting.ID
	if len(want) == meetingNoLength {
		have = meeting.MeetingNo
	}
	return want == "" || have == "" || want == string(have)
}

// matchMeeting is [eventcore.KeyDefinition.Match] for events of one meeting.
func matchMeeting(raw *eventcore.RawEvent, params map[string]string) bool {
	if params[paramMeeting] == "" {
		return true
	}
	in, err := keydef.Decode[struct {
		Meeting eventMeeting `json:"meeting"`
	}](raw)
	return err != nil || isMeeting(&in.Meeting, params)
}
