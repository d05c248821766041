package vc

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// Activity is one thing that happened in a meeting. Which fields it has depends on the type.
type Activity struct {
	Type        string          `json:"type" desc:"transcript_received, chat_received, participant_joined, participant_left, magic_share_started, magic_share_ended, document_context_changed, countdown, or what the platform adds"`
	MeetingID   string          `json:"meeting_id,omitempty" kind:"meeting_id" desc:"given if it is another meeting than the event's"`
	Who         string          `json:"who,omitempty" desc:"name of who spoke, wrote, joined, left or shared"`
	WhoID       string          `json:"who_id,omitempty" kind:"open_id" desc:"their id; it may be this bot's own"`
	WhoType     string          `json:"who_type,omitempty" desc:"given if it is no person with an account: bot, room, phone (dialled in), sip, …"`
	Time        string          `json:"time,omitempty" kind:"date-time" desc:"when it happened, or when the sentence began"`
	EndTime     string          `json:"end_time,omitempty" kind:"date-time" desc:"transcript_received: when the sentence ended"`
	Text        string          `json:"text,omitempty" desc:"what was said or written, not to be trusted"`
	Language    string          `json:"language,omitempty" desc:"transcript_received: language, such as zh or en_us"`
	SentenceID  string          `json:"sentence_id,omitempty" desc:"transcript_received: a later sentence with the same id replaces this one"`
	MessageID   string          `json:"message_id,omitempty" desc:"chat_received: id within the meeting's chat"`
	Reaction    string          `json:"reaction,omitempty" desc:"chat_received: name of an emoji, such as THUMBSUP, in place of a text"`
	LeaveReason string          `json:"leave_reason,omitempty" desc:"participant_left: the platform's number for why"`
	ShareID     string          `json:"share_id,omitempty" desc:"the sharing, from its start to its end"`
	DocTitle    string          `json:"doc_title,omitempty" desc:"title of the shared document"`
	DocURL      string          `json:"doc_url,omitempty" kind:"uri" desc:"link of the shared document"`
	Raw         json.RawMessage `json:"raw,omitempty" desc:"what else the platform sent, as it sent it, for types that are not flattened in full, such as section_location, comment_focus or remain_minutes"`
}

// activityEvent has the items under the name the platform documents, or under the one it misspelled earlier; the
// meeting is in each item or, as users of the platform saw, beside them.
type activityEvent struct {
	Meeting    eventMeeting   `json:"meeting"`
	Items      []activityItem `json:"meeting_activity_items"`
	Misspelled []activityItem `json:"meeting_actitivty_items"`
}

// activityItem is a batch of activities: under "KIND_items", those of one kind.
type activityItem map[string]json.RawMessage

const itemsSuffix = "_items"

// reaction is the platform's message type of a reaction in a meeting's chat; its content is the emoji's name.
const reaction = "3"

func (e *activityEvent) items() []activityItem {
	if len(e.Items) > 0 {
		return e.Items
	}
	return e.Misspelled
}

func (i activityItem) meeting(event *activityEvent) eventMeeting {
	var meeting eventMeeting
	if json.Unmarshal(i["meeting"], &meeting) != nil || meeting.ID == "" && meeting.MeetingNo == "" {
		return event.Meeting
	}
	return meeting
}

// activities returns all that the item tells, of kinds that are not known too.
func (i activityItem) activities() []Activity {
	var all []Activity
	for _, kind := range i.kinds() {
		var list []json.RawMessage
		if json.Unmarshal(i[kind+itemsSuffix], &list) != nil {
			list = []json.RawMessage{i[kind+itemsSuffix]}
		}
		for _, raw := range list {
			all = append(all, flatten(kind, raw))
		}
	}
	if len(all) == 0 {
		var kind keydef.Text
		if json.Unmarshal(i["activity_event_type"], &kind) != nil {
			kind = ""
		}
		whole, err := keydef.Encode(i)
		if err != nil {
			whole = nil
		}
		all = append(all, Activity{Type: cmp.Or(string(kind), "unknown"), Raw: whole})
	}
	return all
}

// kinds returns the kinds of which the item has activities, known ones first.
func (i activityItem) kinds() []string {
	var known, others []string
	for _, value := range activityValues() {
		if _, ok := i[value.Value+itemsSuffix]; ok {
			known = append(known, value.Value)
		}
	}
	for name := range i {
		if kind, ok := strings.CutSuffix(name, itemsSuffix); ok && !slices.Contains(known, kind) {
			others = append(others, kind)
		}
	}
	slices.Sort(others)
	return append(known, others...)
}

func flatten(kind string, raw json.RawMessage) Activity {
	var in struct {
		transcriptItem
		Operator    meetingUser `json:"operator"`
		Participant meetingUser `json:"participant"`
		MessageID   keydef.Text `json:"message_id"`
		MessageType keydef.Text `json:"message_type"`
		Content     keydef.Text `json:"content"`
		SendTime    keydef.Text `json:"send_time"`
		JoinTime    keydef.Text `json:"join_time"`
		LeaveTime   keydef.Text `json:"leave_time"`
		LeaveReason keydef.Text `json:"leave_reason"`
		ShareID     keydef.Text `json:"share_id"`
		ShareDoc    struct {
			URL   keydef.Text `json:"url"`
			Title keydef.Text `json:"title"`
		} `json:"share_doc"`
		Time      keydef.Text `json:"time"`
		EventTime keydef.Text `json:"event_time"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return Activity{Type: kind, Raw: raw}
	}
	who := in.Operator
	for _, other := range []meetingUser{in.Participant, in.Speaker} {
		if who == (meetingUser{}) {
			who = other
		}
	}
	out := Activity{
		Type: kind, Who: who.name(), WhoID: who.openID(), WhoType: who.kind(),
		Time:    cmp.Or(in.Time, in.EventTime, in.SendTime, in.JoinTime, in.LeaveTime).UTC(),
		ShareID: string(in.ShareID), DocTitle: string(in.ShareDoc.Title), DocURL: string(in.ShareDoc.URL),
	}
	switch kind {
	case transcriptReceived:
		said := in.sentence()
		out.Time, out.EndTime, out.Text, out.Language, out.SentenceID = said.StartTime, said.EndTime, said.Text, said.Language, said.SentenceID
	case chatReceived:
		out.MessageID, out.Text = string(in.MessageID), string(in.Content)
		if in.MessageType == reaction {
			out.Reaction, out.Text = out.Text, ""
		}
	case participantLeft:
		out.LeaveReason = string(in.LeaveReason)
	case participantJoined, shareStarted, shareEnded:
	default:
		out.Raw = without(raw, "operator", "share_id", "share_doc", "time")
	}
	return out
}

// without returns an object without the members that are told already, nil if nothing is left.
func without(raw json.RawMessage, told ...string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return raw
	}
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool { return slices.Contains(told, name) })
	if len(members) == 0 {
		return nil
	}
	rest, err := keydef.Encode(members)
	if err != nil {
		return raw
	}
	return rest
}
