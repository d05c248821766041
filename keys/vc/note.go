package vc

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/personal"
)

const notesPath = "/open-apis/vc/v1/notes"

const readNote = "vc:note:read"

// noteNotFound is the platform's code for a note that is not there, or, in the second after its event, not yet.
const noteNotFound = 121004

// The platform's types of a note's documents.
const (
	mainDocument = "1"
	transcript   = "2"
)

// reference is the type, in the payload, of a document that the note refers to.
const reference = "reference"

// Note is the payload of vc.note.generated_v1.
type Note struct {
	NoteID        string         `json:"note_id" kind:"note_id" desc:"the note; look its documents up again with it"`
	MeetingID     string         `json:"meeting_id,omitempty" kind:"meeting_id" desc:"the meeting it is about; missing for recordings and uploads"`
	Source        string         `json:"source,omitempty" desc:"meeting; missing for notes of anything else"`
	Title         string         `json:"title,omitempty" desc:"title of the notes document; written by people, not to be trusted"`
	CreatorID     string         `json:"creator_id,omitempty" kind:"open_id" desc:"who created the note"`
	CreateTime    string         `json:"create_time,omitempty" kind:"date-time" desc:"when it was created"`
	DisplayType   string         `json:"display_type,omitempty" desc:"normal: notes and transcript are documents; unified: one page, whose transcript is read by note_id"`
	Documents     []NoteDocument `json:"documents,omitempty" desc:"documents of the note and those it refers to; none yet if the platform is still writing"`
	SubscriberIDs []string       `json:"subscriber_ids,omitempty" kind:"open_id" desc:"the users the event is for, all of whom subscribed through this app"`
}

// NoteDocument is a document that belongs to a note.
type NoteDocument struct {
	Type     string `json:"type" desc:"notes: AI summary, chapters and to-dos; transcript: who said what; reference: a document shared in the meeting"`
	DocToken string `json:"doc_token" kind:"doc_token" desc:"the document; read its text with it"`
	Title    string `json:"title,omitempty" desc:"its title"`
	URL      string `json:"url,omitempty" kind:"uri" desc:"link for people"`
}

func noteKey() eventcore.KeyDefinition {
	return subscribedAt(notesPath, keydef.Processed(eventcore.KeyDefinition{
		Key:         "vc.note.generated_v1",
		DisplayName: "AI meeting notes generated",
		Description: "The AI notes of a meeting, a recording or an upload of the signed-in user are ready: summary, to-dos and transcript. " +
			"You get the note's id, meeting, creator, and the tokens, titles and links of its documents; read their text by the tokens. " +
			"Titles and links need the scope drive:drive.metadata:readonly as well. " +
			"It does not cover minutes, the transcribed recording itself (minutes.minute.generated_v1)." + setUp,
		Keywords: []string{
			"note", "summary ready", "meeting summary", "action items", "transcript document", "smart notes",
			"智能纪要", "会议纪要", "纪要生成", "会议总结", "逐字稿",
		},
		Params:          []eventcore.ParamDef{personal.OnlyMine()},
		NormalizeParams: personal.Normalize,
		Match:           personal.Mine,
		Scopes:          []string{readNote},
		AuthTypes:       user(),
		Workers:         lookupWorkers,
	}, examples, processNote))
}

type noteEvent struct {
	NoteID        keydef.Text          `json:"note_id"`
	SubscriberIDs personal.Subscribers `json:"subscriber_ids"`
}

type noteAnswer struct {
	Note struct {
		CreatorID  keydef.UserID `json:"creator_id"`
		CreateTime keydef.Text   `json:"create_time"`
		Display    keydef.Text   `json:"note_display_type"`
		Artifacts  []struct {
			Type     keydef.Text `json:"artifact_type"`
			DocToken keydef.Text `json:"doc_token"`
		} `json:"artifacts"`
		References []struct {
			DocToken keydef.Text `json:"doc_token"`
		} `json:"references"`
		Source struct {
			Type     keydef.Text `json:"source_type"`
			EntityID keydef.Text `json:"source_entity_id"`
		} `json:"note_source"`
	} `json:"note"`
}

func processNote(ctx context.Context, rt eventcore.APIClient, in *noteEvent, _ map[string]string) (*Note, error) {
	if in.NoteID == "" {
		return nil, errors.New("the event names no note")
	}
	out := &Note{NoteID: string(in.NoteID), SubscriberIDs: in.SubscriberIDs.OpenIDs()}
	path := notesPath + "/" + url.PathEscape(out.NoteID) + "?user_id_type=open_id"
	answer, err := personal.GetSettled(ctx, rt, path, func(answer *noteAnswer, err error) bool {
		var failure *eventcore.Error
		return errors.As(err, &failure) && failure.PlatformCode == noteNotFound || err == nil && len(answer.Note.Artifacts) == 0
	})
	if err != nil {
		return out, keydef.Missing("the meeting, the creator and the documents", err, readNote)
	}
	note := &answer.Note
	out.CreatorID, out.CreateTime = string(note.CreatorID), note.CreateTime.UTC()
	out.DisplayType = word(note.Display, map[string]string{"1": "normal", "2": "unified"})
	if out.Source = string(note.Source.Type); out.Source == "meeting" {
		out.MeetingID = string(note.Source.EntityID)
	}
	for _, artifact := range note.Artifacts {
		out.add(word(artifact.Type, map[string]string{mainDocument: "notes", transcript: "transcript"}), artifact.DocToken)
	}
	for _, shared := range note.References {
		out.add(reference, shared.DocToken)
	}
	return out, keydef.Missing("titles and links of the documents", out.describe(ctx, rt), keydef.DocumentsScope)
}

func (n *Note) add(kind string, token keydef.Text) {
	known := func(d NoteDocument) bool { return d.DocToken == string(token) }
	if token != "" && !slices.ContainsFunc(n.Documents, known) {
		n.Documents = append(n.Documents, NoteDocument{Type: kind, DocToken: string(token)})
	}
}

// describe fills in titles and links of the documents. Those that the user may not see stay without, and the error
// names them. The platform does not say of what type a document shared in the meeting is.
func (n *Note) describe(ctx context.Context, rt eventcore.APIClient) error {
	var documents []keydef.Document
	for _, d := range n.Documents {
		document := keydef.Document{Token: d.DocToken, Type: "docx"}
		if d.Type == reference {
			document.Type = ""
		}
		documents = append(documents, document)
	}
	metas, err := keydef.LookUpDocuments(ctx, rt, documents...)
	for i := range n.Documents {
		d := &n.Documents[i]
		meta := metas[d.DocToken]
		d.Title, d.URL = string(meta.Title), string(meta.URL)
		if d.Type == "notes" && d.Title != "" {
			n.Title = d.Title
		}
	}
	return err
}
