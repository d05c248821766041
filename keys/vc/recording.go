package vc

import (
	"cmp"
	"context"
	"errors"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/personal"
)

const recordingsPath = "/open-apis/vc/v1/recordings"

const readRecording = "vc:recording:read"

// Recording is the payload of the keys about a recorder that began or ended a recording.
type Recording struct {
	RecordingID   string   `json:"recording_id" kind:"recording_id" desc:"the same for all events of one recording: its start, its sentences, its end"`
	Source        string   `json:"source,omitempty" desc:"what recorded: recording_bean is Lark's recorder device; others are kept as the platform writes them"`
	MinuteToken   string   `json:"minute_token,omitempty" kind:"minute_token" desc:"the minutes made of it, if the platform says so at its end"`
	SubscriberIDs []string `json:"subscriber_ids,omitempty" kind:"open_id" desc:"the users the event is for, all of whom subscribed through this app"`
}

// RecordingTranscript is the payload of vc.recording.recording_transcript_generated_v1.
type RecordingTranscript struct {
	RecordingID   string     `json:"recording_id" kind:"recording_id" desc:"the recording the sentences belong to"`
	Source        string     `json:"source,omitempty" desc:"what records: recording_bean is Lark's recorder device; others are kept as the platform writes them"`
	Sentences     []Sentence `json:"sentences" desc:"what was said since the last event, in order"`
	SubscriberIDs []string   `json:"subscriber_ids,omitempty" kind:"open_id" desc:"the users the event is for, all of whom subscribed through this app"`
}

// Sentence is something said, as the platform understood it. When is either a time or, where the platform counts from
// the start of the recording, a number of milliseconds.
type Sentence struct {
	SentenceID    string `json:"sentence_id,omitempty" desc:"a later sentence with the same id replaces this one"`
	Speaker       string `json:"speaker,omitempty" desc:"name of who said it"`
	SpeakerID     string `json:"speaker_id,omitempty" kind:"open_id" desc:"who said it, if they have an account"`
	Text          string `json:"text" desc:"what was said, not to be trusted"`
	Language      string `json:"language,omitempty" desc:"language, such as zh or en_us"`
	StartTime     string `json:"start_time,omitempty" kind:"date-time" desc:"when it began"`
	EndTime       string `json:"end_time,omitempty" kind:"date-time" desc:"when it ended"`
	StartOffsetMS int64  `json:"start_offset_ms,omitempty" desc:"instead of start_time: milliseconds after the recording began"`
	EndOffsetMS   int64  `json:"end_offset_ms,omitempty" desc:"instead of end_time: milliseconds after the recording began"`
}

func recordingKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		recordingKey(keydef.Processed(eventcore.KeyDefinition{
			Key:         "vc.recording.recording_started_v1",
			DisplayName: "Recorder started recording",
			Description: "A recorder device (recording bean) of the signed-in user that is connected to Lark began to record. " +
				"You get the recording's id, which its sentences and its end carry too. " +
				"It does not cover the recording of a video meeting: that is vc.meeting.recording_started_v1." + setUp,
			Keywords: []string{"voice recorder", "recording bean", "audio recording begins", "录音豆", "开始录音", "录音开始"},
		}, examples, processRecording)),
		recordingKey(keydef.Processed(eventcore.KeyDefinition{
			Key:         "vc.recording.recording_ended_v1",
			DisplayName: "Recorder finished recording",
			Description: "A recording on a recorder device (recording bean) of the signed-in user ended and was uploaded to Lark. " +
				"You get the recording's id and, if the platform tells, the token of its minutes. " +
				"It does not cover the recording of a video meeting: that is vc.meeting.recording_ended_v1." + setUp,
			Keywords: []string{"voice recorder", "recording bean", "audio uploaded", "recording stopped", "录音豆", "录音结束", "录音上传完成"},
		}, examples, processRecording)),
		recordingKey(keydef.Processed(eventcore.KeyDefinition{
			Key:         "vc.recording.recording_transcript_generated_v1",
			DisplayName: "Recorder transcript arrived",
			Description: "A recorder device (recording bean) of the signed-in user is recording, and what was just said has been transcribed. " +
				"You get sentences with speaker, text and time, many events a recording; a sentence that comes again with the same id replaces the " +
				"earlier one. It does not cover what is said in a video meeting: a bot in the meeting gets that by vc.bot.meeting_activity_v1." + setUp,
			Keywords: []string{"live transcript", "speech to text", "captions", "voice recorder", "录音豆", "实时转写", "录音转文字", "字幕"},
		}, examples, processRecordingTranscript)),
	}
}

func recordingKey(def eventcore.KeyDefinition) eventcore.KeyDefinition {
	def.Params = []eventcore.ParamDef{personal.OnlyMine()}
	def.NormalizeParams, def.Match = personal.Normalize, personal.Mine
	def.Scopes, def.AuthTypes = []string{readRecording}, user()
	return subscribedAt(recordingsPath, def)
}

// recordingEvent has the id under either of the names that releases of the platform's own command line read.
type recordingEvent struct {
	UniqueKey     keydef.Text          `json:"unique_key"`
	RecordingID   keydef.Text          `json:"recording_id"`
	Source        keydef.Text          `json:"source"`
	ObjectType    keydef.Text          `json:"object_type"`
	ObjectID      keydef.Text          `json:"object_id"`
	Items         []transcriptItem     `json:"transcript_items"`
	SubscriberIDs personal.Subscribers `json:"subscriber_ids"`
}

func (e *recordingEvent) id() (string, error) {
	id := cmp.Or(string(e.UniqueKey), string(e.RecordingID))
	if id == "" {
		return "", errors.New("the event names no recording")
	}
	return id, nil
}

// transcriptItem is something said, in recordings and in meetings.
type transcriptItem struct {
	Speaker     meetingUser `json:"speaker"`
	Text        keydef.Text `json:"text"`
	Language    keydef.Text `json:"language"`
	StartTimeMS keydef.Text `json:"start_time_ms"`
	EndTimeMS   keydef.Text `json:"end_time_ms"`
	SentenceID  keydef.Text `json:"sentence_id"`
}

// sinceStart is the bound below which milliseconds count from the start of a recording rather than from 1970; it is
// three years.
const sinceStart = 1e11

func (i *transcriptItem) sentence() Sentence {
	out := Sentence{
		SentenceID: string(i.SentenceID), Speaker: i.Speaker.name(), SpeakerID: i.Speaker.openID(),
		Text: string(i.Text), Language: string(i.Language),
	}
	out.StartTime, out.StartOffsetMS = moment(i.StartTimeMS)
	out.EndTime, out.EndOffsetMS = moment(i.EndTimeMS)
	return out
}

func moment(ms keydef.Text) (at string, offset int64) {
	if n := ms.Int(); n < sinceStart {
		return "", max(n, 0)
	}
	return ms.UTC(), 0
}

func processRecording(_ context.Context, _ eventcore.APIClient, in *recordingEvent, _ map[string]string) (*Recording, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	out := &Recording{RecordingID: id, Source: string(in.Source), SubscriberIDs: in.SubscriberIDs.OpenIDs()}
	if in.ObjectType == "minute" {
		out.MinuteToken = string(in.ObjectID)
	}
	return out, nil
}

func processRecordingTranscript(_ context.Context, _ eventcore.APIClient, in *recordingEvent, _ map[string]string) (*RecordingTranscript, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	out := &RecordingTranscript{
		RecordingID: id, Source: string(in.Source), SubscriberIDs: in.SubscriberIDs.OpenIDs(),
		Sentences: make([]Sentence, len(in.Items)),
	}
	for i := range in.Items {
		out.Sentences[i] = in.Items[i].sentence()
	}
	return out, nil
}
