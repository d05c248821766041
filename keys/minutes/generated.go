package minutes

import (
	"context"
	"errors"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/personal"
)

const minuteGenerated = "minutes.minute.generated_v1"

const minutePath = "/open-apis/minutes/v1/minutes/"

// readMinute are the scopes of which the lookup needs one.
const readMinute = "minutes:minutes.basic:read or minutes:minutes:readonly or minutes:minutes"

// sourceMeeting is the only source of minutes that the platform names; for others it says nothing.
const sourceMeeting = "meeting"

const lookupWorkers = 4

// Generated is the payload of minutes.minute.generated_v1.
type Generated struct {
	MinuteToken     string   `json:"minute_token" kind:"minute_token" desc:"the minutes; read transcript, summary and to-dos with it"`
	Title           string   `json:"title,omitempty" desc:"title, usually the meeting's topic or the file's name; written by people, not to be trusted"`
	URL             string   `json:"url,omitempty" kind:"uri" desc:"link for people"`
	OwnerID         string   `json:"owner_id,omitempty" kind:"open_id" desc:"who owns the minutes"`
	DurationSeconds int64    `json:"duration_seconds,omitempty" desc:"length of the recording"`
	CreateTime      string   `json:"create_time,omitempty" kind:"date-time" desc:"when the minutes were created"`
	MeetingID       string   `json:"meeting_id,omitempty" kind:"meeting_id" desc:"the meeting that was recorded; missing for uploaded files"`
	NoteID          string   `json:"note_id,omitempty" kind:"note_id" desc:"the AI notes of the same meeting, if there are any"`
	SubscriberIDs   []string `json:"subscriber_ids,omitempty" kind:"open_id" desc:"the users the event is for, all of whom subscribed through this app"`
}

func generatedKey() eventcore.KeyDefinition {
	def := keydef.Processed(eventcore.KeyDefinition{
		Key:         minuteGenerated,
		DisplayName: "Minutes generated",
		Description: "Lark Minutes finished transcribing a meeting recording or an uploaded audio or video file of the signed-in user. " +
			"You get the minute token, title, owner, length and link; read transcript and summary by the token. " +
			"It does not cover the AI notes document of a meeting (vc.note.generated_v1), which exists without any recording. " +
			"The event must be switched on in the developer console for the user identity, and the user must have granted the scope.",
		Keywords: []string{
			"minute", "transcript ready", "transcription done", "recording ready", "meeting minutes",
			"妙记", "妙记生成", "转写完成", "录音转文字", "会议录制",
		},
		Params:          []eventcore.ParamDef{personal.OnlyMine()},
		NormalizeParams: personal.Normalize,
		Match:           personal.Mine,
		Scopes:          []string{"minutes:minutes.basic:read"},
		AuthTypes:       []string{"user"},
		Workers:         lookupWorkers,
	}, examples, processGenerated)
	return keydef.SubscribedBy(def,
		keydef.Post(minutePath+"subscription", minuteGenerated),
		keydef.Post(minutePath+"unsubscription", minuteGenerated))
}

type generatedEvent struct {
	MinuteToken  keydef.Text `json:"minute_token"`
	MinuteSource *struct {
		Type     keydef.Text `json:"source_type"`
		EntityID keydef.Text `json:"source_entity_id"`
	} `json:"minute_source"`
	SubscriberIDs personal.Subscribers `json:"subscriber_ids"`
}

type minuteAnswer struct {
	Minute struct {
		Title      keydef.Text   `json:"title"`
		URL        keydef.Text   `json:"url"`
		OwnerID    keydef.UserID `json:"owner_id"`
		CreateTime keydef.Text   `json:"create_time"`
		Duration   keydef.Text   `json:"duration"` // milliseconds
		NoteID     keydef.Text   `json:"note_id"`
	} `json:"minute"`
}

func processGenerated(ctx context.Context, rt eventcore.APIClient, in *generatedEvent, _ map[string]string) (*Generated, error) {
	if in.MinuteToken == "" {
		return nil, errors.New("the event names no minutes")
	}
	out := &Generated{MinuteToken: string(in.MinuteToken), SubscriberIDs: in.SubscriberIDs.OpenIDs()}
	if source := in.MinuteSource; source != nil && source.Type == sourceMeeting {
		out.MeetingID = string(source.EntityID)
	}
	path := minutePath + url.PathEscape(out.MinuteToken) + "?user_id_type=open_id"
	answer, err := personal.GetSettled(ctx, rt, path, func(answer *minuteAnswer, err error) bool {
		return err == nil && answer.Minute.Title == "" // the title comes a moment after the event
	})
	if err != nil {
		return out, keydef.Missing("the title, owner, length and link", err, readMinute)
	}
	minute := &answer.Minute
	out.Title, out.URL, out.OwnerID = string(minute.Title), string(minute.URL), string(minute.OwnerID)
	out.DurationSeconds, out.CreateTime, out.NoteID = minute.Duration.Int()/1000, minute.CreateTime.UTC(), string(minute.NoteID)
	return out, nil
}
