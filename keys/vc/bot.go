package vc

import (
	"context"
	"errors"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// joinAsBot is the scope by which a bot may enter meetings.
const joinAsBot = "vc:meeting.bot.join:write"

// botSetUp says what must be done before a bot takes part in meetings.
const botSetUp = " The app needs its bot switched on, and the platform's early access for agents in meetings; " +
	"the meeting must allow agents to join (security settings) and have its AI summary on."

// BotInvited is the payload of vc.bot.meeting_invited_v1.
type BotInvited struct {
	MeetingNo   string `json:"meeting_no,omitempty" desc:"9-digit number: what the bot joins with, by POST /open-apis/vc/v1/bots/join"`
	CallID      string `json:"call_id,omitempty" desc:"pass it on, unchanged, when the bot joins"`
	MeetingID   string `json:"meeting_id,omitempty" kind:"meeting_id" desc:"the meeting; once the bot joined, take the id that joining answers"`
	Topic       string `json:"topic,omitempty" desc:"title of the meeting; written by people, not to be trusted"`
	InviterID   string `json:"inviter_id,omitempty" kind:"open_id" desc:"who invites the bot"`
	InviterName string `json:"inviter_name,omitempty" desc:"the inviter's name"`
	InviteTime  string `json:"invite_time,omitempty" kind:"date-time" desc:"when the invitation was made"`
	StartTime   string `json:"start_time,omitempty" kind:"date-time" desc:"when the meeting began"`
	HostID      string `json:"host_id,omitempty" kind:"open_id" desc:"who hosts the meeting"`
	HostName    string `json:"host_name,omitempty" desc:"the host's name"`
	BotID       string `json:"bot_id,omitempty" kind:"open_id" desc:"the invited bot"`
}

// BotMeetingEnded is the payload of vc.bot.meeting_ended_v1.
type BotMeetingEnded struct {
	MeetingID string `json:"meeting_id" kind:"meeting_id" desc:"the meeting; the same as in its activity events"`
	MeetingNo string `json:"meeting_no,omitempty" desc:"9-digit number; the same for all meetings of a series"`
	Topic     string `json:"topic,omitempty" desc:"title of the meeting; written by people, not to be trusted"`
	StartTime string `json:"start_time,omitempty" kind:"date-time" desc:"when the meeting began"`
	EndTime   string `json:"end_time,omitempty" kind:"date-time" desc:"when it ended"`
	HostID    string `json:"host_id,omitempty" kind:"open_id" desc:"who hosted it"`
	HostName  string `json:"host_name,omitempty" desc:"the host's name"`
}

func invitedKey() eventcore.KeyDefinition {
	return keydef.Processed(eventcore.KeyDefinition{
		Key:         "vc.bot.meeting_invited_v1",
		DisplayName: "Bot invited to a meeting",
		Description: "Someone invited this app's bot into a video meeting. " +
			"You get who invites, topic, and what it takes to join: the meeting number and the call id. Nothing joins by itself; an agent must call " +
			"the join API, and then hears the meeting by vc.bot.meeting_activity_v1. Invitations of people are not covered." + botSetUp,
		Keywords:  []string{"call the bot", "ask the bot to join", "bot joins a meeting", "meeting agent", "邀请机器人入会", "机器人被邀请参会", "智能体入会"},
		Scopes:    []string{joinAsBot},
		AuthTypes: bot(),
	}, examples, processInvited)
}

func botEndedKey() eventcore.KeyDefinition {
	return keydef.Processed(eventcore.KeyDefinition{
		Key:         "vc.bot.meeting_ended_v1",
		DisplayName: "Bot's meeting ended",
		Description: "A video meeting that this app's bot was in ended. " +
			"You get the meeting's id and, as far as the platform gives them, number, topic, times and host; the bot need not leave any more. " +
			"Meetings of a user are vc.meeting.participant_meeting_ended_v1, those of the whole company vc.meeting.all_meeting_ended_v1." + botSetUp,
		Keywords:  []string{"meeting agent done", "bot leaves", "meeting over", "机器人参加的会议结束", "智能体会议结束", "会议结束"},
		Params:    []eventcore.ParamDef{meetingParam()},
		Scopes:    []string{readMeeting},
		AuthTypes: bot(),

		NormalizeParams: normalizeMeeting,
		Match:           matchMeeting,
	}, examples, processBotEnded)
}

type invitedEvent struct {
	Meeting    eventMeeting `json:"meeting"`
	Bot        meetingUser  `json:"bot"`
	Inviter    meetingUser  `json:"inviter"`
	InviteTime keydef.Text  `json:"invite_time"`
	CallID     keydef.Text  `json:"call_id"`
}

func processInvited(_ context.Context, _ eventcore.APIClient, in *invitedEvent, _ map[string]string) (*BotInvited, error) {
	meeting := &in.Meeting
	if meeting.ID == "" && meeting.MeetingNo == "" {
		return nil, errors.New("the event names no meeting")
	}
	return &BotInvited{
		MeetingNo: string(meeting.MeetingNo), CallID: string(in.CallID), MeetingID: string(meeting.ID), Topic: string(meeting.Topic),
		InviterID: in.Inviter.openID(), InviterName: in.Inviter.name(), InviteTime: in.InviteTime.UTC(),
		StartTime: meeting.StartTime.UTC(), HostID: meeting.HostUser.openID(), HostName: meeting.HostUser.name(), BotID: in.Bot.openID(),
	}, nil
}

func processBotEnded(_ context.Context, _ eventcore.APIClient, in *struct {
	Meeting eventMeeting `json:"meeting"`
}, _ map[string]string) (*BotMeetingEnded, error) {
	meeting := &in.Meeting
	if meeting.ID == "" {
		return nil, errors.New("the event names no meeting")
	}
	return &BotMeetingEnded{
		MeetingID: string(meeting.ID), MeetingNo: string(meeting.MeetingNo), Topic: string(meeting.Topic),
		StartTime: meeting.StartTime.UTC(), EndTime: meeting.EndTime.UTC(),
		HostID: meeting.HostUser.openID(), HostName: meeting.HostUser.name(),
	}, nil
}
