package content

import (
	"errors"
	"fmt"
	"strings"
)

// Rendered is a message's content in readable form.
type Rendered struct {
	// Text is never empty for lack of understanding: what cannot be rendered gets a placeholder such as [post].
	Text        string
	Attachments []Attachment
	// Withheld is true if the platform sent a fixed sentence in place of what the message is.
	Withheld bool
}

// Attachment is a file that can be downloaded with the message's id and the key:
// GET /open-apis/im/v1/messages/{message_id}/resources/{key}?type=image for images, type=file for the rest.
type Attachment struct {
	Type       string `json:"type" enum:"image,file,audio,media" desc:"media is a video"`
	Key        string `json:"key" desc:"image_key or file_key; download with the message_id: GET /open-apis/im/v1/messages/{message_id}/resources/{key}?type=image (file for other types)"`
	Name       string `json:"name,omitempty" desc:"file name"`
	DurationMS int64  `json:"duration_ms,omitempty" desc:"length of audio or video, in milliseconds"`
}

// Mention is someone a message mentions. Key is the placeholder that stands for it in the content.
type Mention struct {
	Key, Name string
}

// renderer renders the content of one message type. It gets the decoded content and returns an error if that
// lacks what the type is about.
type renderer func(c node, m mentions) (Rendered, error)

// renderers has the message types that are known, by the platform's name.
var renderers = map[string]renderer{
	"text":                 renderText,
	"post":                 renderPost,
	"image":                renderImage,
	"file":                 renderFile,
	"folder":               renderFolder,
	"audio":                renderAudio,
	"media":                renderMedia,
	"sticker":              renderSticker,
	"share_chat":           renderShareChat,
	"share_user":           renderShareUser,
	"location":             renderLocation,
	"system":               renderSystem,
	"interactive":          renderCard,
	"hongbao":              renderRedPacket,
	"share_calendar_event": renderCalendar,
	"calendar":             renderCalendar,
	"general_calendar":     renderCalendar,
	"video_chat":           renderVideoChat,
	"todo":                 renderTodo,
	"vote":                 renderVote,
	"merge_forward":        renderForward,
}

// Render returns the content of a message of the given type as text, with placeholders of mentions replaced by
// @ and the name. A type that is not known has its content as text, as it came. An error means that the content
// is not what its type promises; the text is a placeholder then. Render never panics, whatever the content is,
// and may be called from many goroutines at once.
func Render(messageType, content string, mentioned []Mention) (Rendered, error) {
	render, known := renderers[messageType]
	if !known {
		return Rendered{Text: content}, nil
	}
	if messageType == "text" {
		if text, ok := scanText(content); ok {
			return Rendered{Text: newMentions(mentioned).replace(text)}, nil
		}
	}
	fallback := Rendered{Text: placeholder(messageType)}
	c, err := parse(content)
	if err != nil {
		if messageType == "merge_forward" { // known to come as a bare sentence; nothing is lost with it
			return fallback, nil
		}
		return fallback, err
	}
	rendered, err := render(c, newMentions(mentioned))
	if err != nil {
		return fallback, fmt.Errorf("%s content: %w", messageType, err)
	}
	return rendered, nil
}

// placeholder stands for something that has no text, with what is known of it.
func placeholder(what string, details ...string) string {
	var known []string
	for _, detail := range details {
		if detail != "" {
			known = append(known, detail)
		}
	}
	if len(known) == 0 {
		return "[" + what + "]"
	}
	return "[" + what + ": " + strings.Join(known, ", ") + "]"
}

// missing is the error for content without the member that its type is about.
func missing(name string) error {
	return errors.New("it has no " + name)
}

// joinLines joins what is not empty, one a line.
func joinLines(lines ...string) string {
	var kept []string
	for _, line := range lines {
		if line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
