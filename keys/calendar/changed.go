package calendar

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const eventChanged = "calendar.calendar.event.changed_v4"

// fetchWorkers is how many calendar events may be fetched at once for one consumer.
const fetchWorkers = 4

// maxAttendees is how many attendees the platform is asked for, in the same call as the event.
const maxAttendees = 50

// deleted is the change after which there is nothing left to fetch.
const deleted = "deleted"

// changes are the words for the platform's change types; others stay as they are.
var changes = map[keydef.Text]string{"create": "created", "update": "updated", "delete": deleted, "rsvp": "replied"}

func eventChangedKey() eventcore.KeyDefinition {
	def := keydef.SubscribedBy(eventcore.KeyDefinition{
		Key:         eventChanged,
		DisplayName: "Calendar event changed",
		Description: "An event on a calendar (a meeting, an appointment) was created, moved, changed or deleted, or someone accepted or declined it. " +
			"You get what happened and the event as it now is: title, start, end, organizer, attendees and their answers, place and links; " +
			"of a deleted event only its id, and not what was different before an update. Being invited is created, being removed from an event is deleted. " +
			"Covers one calendar, that of calendar_id. The platform reports changes of one event within 3 seconds as one, and for some " +
			"companies not yet which event changed: then there is only calendar_id, and listing the calendar shows it. " +
			"Listens as the user, who must be able to read the calendar.",
		Params: []eventcore.ParamDef{calendarParam(), {
			Name: paramChange, Type: eventcore.ParamMulti,
			Description: "only changes of these kinds; a change that the platform gives no kind always passes",
			Values: []eventcore.ParamValue{
				{Value: "created", Desc: "an event appeared on the calendar: it was made, or the calendar's owner was invited to it"},
				{Value: "updated", Desc: "title, time, place, attendees or anything else of an event changed"},
				{Value: deleted, Desc: "an event went from the calendar: it was deleted, or the calendar's owner was removed from it. Costs no call"},
				{Value: "replied", Desc: "a person accepted or declined an event, or answered maybe"},
			},
		}},
		NormalizeParams: normalize,
		Match:           matchChanged,
		Scopes:          []string{readEvents, readCalendars},
		AuthTypes:       user(),
		Workers:         fetchWorkers,
		Keywords: []string{
			"rescheduled", "cancelled", "canceled", "invitation", "rsvp", "schedule", "agenda",
			"日程变更", "日程", "会议邀请", "改期", "取消日程", "接受邀请", "拒绝邀请",
		},
	}, perCalendar("events", "subscription"), perCalendar("events", "unsubscription"))
	return keydef.Processed(def, examples, processChanged)
}

// changedEvent is the event member: which event of which calendar changed.
type changedEvent struct {
	CalendarID keydef.Text     `json:"calendar_id"`
	EventID    keydef.Text     `json:"calendar_event_id"`
	Change     keydef.Text     `json:"change_type"`
	Users      []keydef.UserID `json:"user_id_list"`
	Replies    []struct {
		User   keydef.UserID `json:"from_user_id"`
		Status keydef.Text   `json:"rsvp_status"`
	} `json:"rsvp_infos"`
}

// matchChanged reports whether a change is of the calendar and the kinds that the params name; what the event does not
// say passes.
func matchChanged(raw *eventcore.RawEvent, params map[string]string) bool {
	in, err := keydef.Decode[changedEvent](raw)
	if err != nil {
		return true
	}
	if id := params[paramCalendar]; id != "" && in.CalendarID != "" && id != string(in.CalendarID) {
		return false
	}
	kinds := params[paramChange]
	return kinds == "" || in.Change == "" || slices.Contains(strings.Split(kinds, ","), word(changes, in.Change))
}

// processChanged fetches the event that changed, unless it is gone or the platform does not say which it is.
func processChanged(ctx context.Context, rt eventcore.APIClient, in *changedEvent, params map[string]string) (*EventChanged, error) {
	out := &EventChanged{
		CalendarID: cmp.Or(string(in.CalendarID), params[paramCalendar]), EventID: string(in.EventID), Change: word(changes, in.Change),
	}
	for _, id := range in.Users {
		if id != "" {
			out.SubscriberIDs = append(out.SubscriberIDs, string(id))
		}
	}
	for _, reply := range in.Replies {
		out.Replies = append(out.Replies, Reply{OpenID: string(reply.User), Status: word(replies, reply.Status)})
	}
	if out.EventID == "" || out.CalendarID == "" || out.Change == deleted {
		return out, nil
	}
	event, err := fetchEvent(ctx, rt, out.CalendarID, out.EventID)
	if err != nil {
		return out, keydef.Missing("title, time and attendees of the calendar event", err, readEvents)
	}
	out.add(event)
	return out, nil
}

func fetchEvent(ctx context.Context, rt eventcore.APIClient, calendarID, eventID string) (*event, error) {
	path := calendarPath(calendarID) + "/events/" + url.PathEscape(eventID) +
		"?need_attendee=true&max_attendee_num=" + strconv.Itoa(maxAttendees) + "&user_id_type=open_id"
	answer, err := keydef.Get[struct {
		Event *event `json:"event"`
	}](ctx, rt, path)
	if err != nil {
		return nil, err
	}
	if answer.Event == nil {
		return nil, &eventcore.Error{
			Code: eventcore.CodePlatformError, Message: "the platform answered without the event",
			Hint: "it may have been deleted meanwhile",
		}
	}
	return answer.Event, nil
}
