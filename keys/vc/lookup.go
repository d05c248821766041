package vc

import (
	"context"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// maxParticipants bounds how many participants one event lists: what is more costs a reader more than it tells.
const maxParticipants = 100

// Participant is someone who takes or took part in a meeting.
type Participant struct {
	ID        string `json:"id" desc:"open_id of a person; for other types the platform's id of it"`
	Name      string `json:"name,omitempty" desc:"name in the meeting, if the platform gives it"`
	Type      string `json:"type,omitempty" desc:"given if it is no person with an account: room, phone (dialled in), sip, document, device_user, device_guest, bot"`
	Status    string `json:"status,omitempty" desc:"calling or ringing: not in yet; in_meeting; left: not, or no longer, in the meeting"`
	Host      bool   `json:"host,omitempty" desc:"true for the host"`
	Cohost    bool   `json:"cohost,omitempty" desc:"true for a co-host"`
	External  bool   `json:"external,omitempty" desc:"true for someone of another company"`
	JoinTime  string `json:"join_time,omitempty" kind:"date-time" desc:"when they first joined"`
	LeaveTime string `json:"leave_time,omitempty" kind:"date-time" desc:"when they last left"`
}

// meetingDetails is a meeting as the API tells of it. It has the meeting's password too, which is nobody's business.
type meetingDetails struct {
	eventMeeting
	URL              keydef.Text `json:"url"`
	Status           keydef.Text `json:"status"`
	NoteID           keydef.Text `json:"note_id"`
	ParticipantCount keydef.Text `json:"participant_count"`
	Participants     []struct {
		meetingUser
		Status         keydef.Text `json:"status"`
		IsHost         flag        `json:"is_host"`
		IsCohost       flag        `json:"is_cohost"`
		IsExternal     flag        `json:"is_external"`
		FirstJoinTime  keydef.Text `json:"first_join_time"`
		FinalLeaveTime keydef.Text `json:"final_leave_time"`
	} `json:"participants"`
}

// flag is a truth value; what is none is false.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	*f = string(raw) == "true"
	return nil
}

func lookUpMeeting(ctx context.Context, rt eventcore.APIClient, id string) (*meetingDetails, error) {
	answer, err := keydef.Get[struct {
		Meeting *meetingDetails `json:"meeting"`
	}](ctx, rt, "/open-apis/vc/v1/meetings/"+url.PathEscape(id)+"?with_participants=true&user_id_type=open_id")
	if err != nil {
		return nil, err
	}
	if answer.Meeting == nil {
		return nil, &eventcore.Error{
			Code: eventcore.CodePlatformError, Message: "the platform's answer has no meeting",
			Hint: "look the meeting up by its id later",
		}
	}
	return answer.Meeting, nil
}

// status says where the meeting stands.
func (m *meetingDetails) status() string {
	return word(m.Status, map[string]string{"1": "calling", "2": "ongoing", "3": "ended"})
}

// participants returns at most [maxParticipants], and how many it left out.
func (m *meetingDetails) participants() (list []Participant, more int) {
	for i := range m.Participants {
		if i == maxParticipants {
			return list, len(m.Participants) - i
		}
		p := &m.Participants[i]
		list = append(list, Participant{
			ID: p.openID(), Name: p.name(), Type: p.kind(),
			Status: word(p.Status, map[string]string{"1": "calling", "2": "in_meeting", "3": "ringing", "4": "left"}),
			Host:   bool(p.IsHost), Cohost: bool(p.IsCohost), External: bool(p.IsExternal),
			JoinTime: p.FirstJoinTime.UTC(), LeaveTime: p.FinalLeaveTime.UTC(),
		})
	}
	return list, 0
}
