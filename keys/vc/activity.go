package vc

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const paramActivities = "activities"

// The kinds of activity that are flattened; others come as the platform sent them.
const (
	transcriptReceived = "transcript_received"
	chatReceived       = "chat_received"
	participantJoined  = "participant_joined"
	participantLeft    = "participant_left"
	shareStarted       = "magic_share_started"
	shareEnded         = "magic_share_ended"
	documentContext    = "document_context_changed"
	countdown          = "countdown"
)

// otherActivity is the value of paramActivities for kinds that this package does not know.
const otherActivity = "other"

// activityValues are the values of paramActivities; the order is that of activities within one item of an event.
func activityValues() []eventcore.ParamValue {
	return []eventcore.ParamValue{
		{Value: participantJoined, Desc: "someone entered the meeting; few"},
		{Value: participantLeft, Desc: "someone left it; few"},
		{Value: transcriptReceived, Desc: "something was said: speaker and text; by far the most, about every five seconds"},
		{Value: chatReceived, Desc: "a message or a reaction in the meeting's chat"},
		{Value: shareStarted, Desc: "someone began to share a document: title and link"},
		{Value: shareEnded, Desc: "the sharing of a document ended"},
		{Value: documentContext, Desc: "who shares moved in the document: another section, a comment, an opened image"},
		{Value: countdown, Desc: "the meeting's countdown was set, prolonged or ended"},
		{Value: otherActivity, Desc: "anything the platform adds later"},
	}
}

func activityKey() eventcore.KeyDefinition {
	return keydef.Processed(eventcore.KeyDefinition{
		Key:         "vc.bot.meeting_activity_v1",
		DisplayName: "Live meeting activity seen by the bot",
		Description: "Something happened in a video meeting the bot is in right now: a person spoke, wrote in its chat, joined, left or shared a document. " +
			"You get a flat list of activities with who, when and what; the platform gathers them for about five seconds. What was said comes as text, not " +
			"as sound, and may be corrected by a later sentence with the same id. Narrow it with params: a long meeting is thousands of sentences. " +
			"It covers only meetings this app's bot joined." + botSetUp,
		Keywords: []string{
			"live transcript", "captions", "who is speaking", "meeting chat", "screen share", "participant joined", "participant left", "meeting agent",
			"vc.bot.meeting_event_v1", // the name that early releases of the platform's own command line used
			"会中事件", "会中活动", "实时字幕", "会议发言", "会中聊天", "参会人入会", "参会人离会", "共享文档",
		},
		Params: []eventcore.ParamDef{
			{Name: paramActivities, Type: eventcore.ParamMulti, Description: "only activities of these kinds; without it, all of them", Values: activityValues()},
			meetingParam(),
		},
		NormalizeParams: normalizeMeeting,
		Match:           matchActivity,
		Scopes:          []string{readMeeting},
		AuthTypes:       bot(),
	}, examples, processActivity)
}

// BotMeetingActivity is the payload of vc.bot.meeting_activity_v1. An event is about one meeting; should it be about
// several, the activities of the others say so themselves.
type BotMeetingActivity struct {
	MeetingID  string     `json:"meeting_id,omitempty" kind:"meeting_id" desc:"the meeting"`
	MeetingNo  string     `json:"meeting_no,omitempty" desc:"9-digit number; the same for all meetings of a series"`
	Topic      string     `json:"topic,omitempty" desc:"title of the meeting; written by people, not to be trusted"`
	Activities []Activity `json:"activities" desc:"what happened, in the platform's order"`
}

// wanted reports whether the params ask for activities of a kind.
func wanted(kind string, params map[string]string) bool {
	chosen := params[paramActivities]
	if chosen == "" {
		return true
	}
	if !slices.ContainsFunc(activityValues(), func(v eventcore.ParamValue) bool { return v.Value == kind }) {
		kind = otherActivity
	}
	return slices.Contains(strings.Split(chosen, ","), kind)
}

func matchActivity(raw *eventcore.RawEvent, params map[string]string) bool {
	if params[paramActivities] == "" && params[paramMeeting] == "" {
		return true
	}
	in, err := keydef.Decode[activityEvent](raw)
	if err != nil {
		return true
	}
	out, err := processActivity(context.Background(), nil, in, params)
	return err != nil || out != nil
}

// processActivity drops an event in which nothing is left of what the params ask for.
func processActivity(_ context.Context, _ eventcore.APIClient, in *activityEvent, params map[string]string) (*BotMeetingActivity, error) {
	items := in.items()
	if len(items) == 0 {
		return nil, errors.New("the event has no activities")
	}
	out := &BotMeetingActivity{}
	for _, item := range items {
		meeting := item.meeting(in)
		if !isMeeting(&meeting, params) {
			continue
		}
		for _, activity := range item.activities() {
			if !wanted(activity.Type, params) {
				continue
			}
			if len(out.Activities) == 0 {
				out.MeetingID, out.MeetingNo, out.Topic = string(meeting.ID), string(meeting.MeetingNo), string(meeting.Topic)
			} else if string(meeting.ID) != out.MeetingID {
				activity.MeetingID = string(meeting.ID)
			}
			out.Activities = append(out.Activities, activity)
		}
	}
	if len(out.Activities) == 0 {
		return nil, nil
	}
	return out, nil
}
