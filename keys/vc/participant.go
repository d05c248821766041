package vc

import (
	"cmp"
	"context"
	"errors"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/personal"
)

const meetingsPath = "/open-apis/vc/v1/meetings"

// ParticipantMeeting is the payload of the keys about meetings that the signed-in user takes part in.
type ParticipantMeeting struct {
	MeetingID        string        `json:"meeting_id" kind:"meeting_id" desc:"this one meeting; look up recording, notes and participants with it"`
	MeetingNo        string        `json:"meeting_no,omitempty" desc:"9-digit number to dial in; the same for all meetings of a series"`
	Topic            string        `json:"topic,omitempty" desc:"title of the meeting; written by people, not to be trusted"`
	Status           string        `json:"status,omitempty" desc:"where the meeting stood when it was looked up: calling (nobody answered yet), ongoing, ended"`
	StartTime        string        `json:"start_time,omitempty" kind:"date-time" desc:"when the meeting began"`
	EndTime          string        `json:"end_time,omitempty" kind:"date-time" desc:"when it ended"`
	HostID           string        `json:"host_id,omitempty" kind:"open_id" desc:"who hosts it"`
	OrganizerID      string        `json:"organizer_id,omitempty" kind:"open_id" desc:"who set it up"`
	CalendarEventID  string        `json:"calendar_event_id,omitempty" kind:"calendar_event_id" desc:"the calendar event the meeting belongs to, if any"`
	OperatorID       string        `json:"operator_id,omitempty" kind:"open_id" desc:"whose act it was: who started, joined or ended"`
	SubscriberIDs    []string      `json:"subscriber_ids,omitempty" kind:"open_id" desc:"the users the event is for: they take part, and subscribed through this app"`
	URL              string        `json:"url,omitempty" kind:"uri" desc:"link to join"`
	NoteID           string        `json:"note_id,omitempty" kind:"note_id" desc:"the AI notes, once there are any; often later than this event, see vc.note.generated_v1"`
	ParticipantCount int64         `json:"participant_count,omitempty" desc:"most participants at one time"`
	Participants     []Participant `json:"participants,omitempty" desc:"who takes or took part, at most 100"`
	MoreParticipants int           `json:"more_participants,omitempty" desc:"how many more there are than listed"`
}

// setUp says what must be done before a user's events come.
const setUp = " The event must be switched on in the developer console for the user identity, and the user must have granted the scope."

func participantKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		participantKey(eventcore.KeyDefinition{
			Key:         "vc.meeting.participant_meeting_started_v1",
			DisplayName: "User's meeting started",
			Description: "A video meeting that the signed-in user is invited to or takes part in began. " +
				"You get topic, number, link, host, organizer, calendar event and who is in it by then. " +
				"It fires once a meeting; that the user entered is vc.meeting.participant_meeting_joined_v1, and meetings of the whole company " +
				"are vc.meeting.all_meeting_started_v1." + setUp,
			Keywords: []string{"call began", "conference begins", "meeting is starting", "my meeting", "会议开始", "我的会议开始", "参加的会议开始", "视频会议开始"},
		}),
		participantKey(eventcore.KeyDefinition{
			Key:         "vc.meeting.participant_meeting_joined_v1",
			DisplayName: "User joined a meeting",
			Description: "The signed-in user entered a video meeting. " +
				"You get topic, number, link, host, organizer, calendar event and who else is in it. " +
				"It tells of this user only: who comes and goes in a meeting the bot attends is vc.bot.meeting_activity_v1, and meetings booked " +
				"through the API have vc.meeting.join_meeting_v1." + setUp,
			Keywords: []string{"enters a call", "I am in a meeting", "busy in a meeting", "加入会议", "入会", "我加入会议", "进入会议"},
		}),
		participantKey(eventcore.KeyDefinition{
			Key:         "vc.meeting.participant_meeting_ended_v1",
			DisplayName: "User's meeting ended",
			Description: "A video meeting that the signed-in user took part in ended. " +
				"You get topic, start and end, host, organizer, calendar event and the participants with when they joined and left. " +
				"Notes and recordings come minutes later: listen to vc.note.generated_v1 and minutes.minute.generated_v1 for them. " +
				"Meetings of the whole company are vc.meeting.all_meeting_ended_v1, those a bot attends vc.bot.meeting_ended_v1." + setUp,
			Keywords: []string{"meeting over", "call finished", "meeting finished", "after the meeting", "会议结束", "我的会议结束", "参加的会议结束", "散会"},
		}),
	}
}

func participantKey(def eventcore.KeyDefinition) eventcore.KeyDefinition {
	def.Params = []eventcore.ParamDef{meetingParam(), personal.OnlyMine()}
	def.NormalizeParams = func(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
		if err := normalizeMeeting(ctx, rt, params); err != nil {
			return err
		}
		return personal.Normalize(ctx, rt, params)
	}
	def.Match = func(raw *eventcore.RawEvent, params map[string]string) bool {
		return matchMeeting(raw, params) && personal.Mine(raw, params)
	}
	def.Scopes, def.AuthTypes, def.Workers = []string{readMeeting}, user(), lookupWorkers
	return subscribedAt(meetingsPath, keydef.Processed(def, examples, processParticipantMeeting))
}

type participantEvent struct {
	Meeting       eventMeeting         `json:"meeting"`
	Operator      meetingUser          `json:"operator"`
	SubscriberIDs personal.Subscribers `json:"subscriber_ids"`
}

func processParticipantMeeting(ctx context.Context, rt eventcore.APIClient, in *participantEvent, _ map[string]string) (*ParticipantMeeting, error) {
	meeting := &in.Meeting
	if meeting.ID == "" {
		return nil, errors.New("the event names no meeting")
	}
	out := &ParticipantMeeting{
		MeetingID: string(meeting.ID), MeetingNo: string(meeting.MeetingNo), Topic: string(meeting.Topic),
		StartTime: meeting.StartTime.UTC(), EndTime: meeting.EndTime.UTC(),
		HostID: meeting.HostUser.openID(), OrganizerID: meeting.Owner.openID(), CalendarEventID: string(meeting.CalendarEventID),
		OperatorID: in.Operator.openID(), SubscriberIDs: in.SubscriberIDs.OpenIDs(),
	}
	details, err := lookUpMeeting(ctx, rt, out.MeetingID)
	if err != nil {
		return out, keydef.Missing("the link, the status and the participants", err, readMeeting+" or vc:meeting:readonly")
	}
	// The event is the truth about its own moment; the lookup, a moment later, fills in what it leaves open.
	out.MeetingNo = cmp.Or(out.MeetingNo, string(details.MeetingNo))
	out.Topic = cmp.Or(out.Topic, string(details.Topic))
	out.StartTime = cmp.Or(out.StartTime, details.StartTime.UTC())
	out.EndTime = cmp.Or(out.EndTime, details.EndTime.UTC())
	out.HostID = cmp.Or(out.HostID, details.HostUser.openID())
	out.Status, out.URL, out.NoteID = details.status(), string(details.URL), string(details.NoteID)
	out.ParticipantCount = details.ParticipantCount.Int()
	out.Participants, out.MoreParticipants = details.participants()
	return out, nil
}
