package im

import (
	"context"
	"net/url"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/im/content"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// mergeForward is the message type of a conversation forwarded as one message.
const mergeForward = "merge_forward"

// forwardScope lets the bot read a message by its id.
const forwardScope = "im:message:readonly"

// forwardedMessage is one message of a forwarded conversation, as the API returns it.
type forwardedMessage struct {
	MessageID      keydef.Text `json:"message_id"`
	UpperMessageID keydef.Text `json:"upper_message_id"`
	Type           keydef.Text `json:"msg_type"`
	CreateTime     keydef.Text `json:"create_time"`
	Sender         struct {
		ID   keydef.Text `json:"id"`
		Name keydef.Text `json:"sender_name"`
	} `json:"sender"`
	Body struct {
		Content keydef.Text `json:"content"`
	} `json:"body"`
	Mentions []mention `json:"mentions"`
}

// fetchForward returns the messages of a forwarded conversation as text, one after the other, each with its time and
// sender. The event holds none of them: reading the message by its id returns it together with its children, each
// of which names the message above it in upper_message_id (source: "Get message", GetMessageRespData in the SDK). The
// error says what is missing and which scope it needs.
func fetchForward(ctx context.Context, rt eventcore.APIClient, messageID string) (string, error) {
	const what = "the forwarded messages"
	data, err := keydef.Get[struct {
		Items []forwardedMessage `json:"items"`
	}](ctx, rt, "/open-apis/im/v1/messages/"+url.PathEscape(messageID))
	if err != nil {
		return "", keydef.Missing(what, err, forwardScope)
	}
	conversation := forwarded{children: map[string][]forwardedMessage{}}
	for _, item := range data.Items {
		upper := string(item.UpperMessageID)
		conversation.children[upper] = append(conversation.children[upper], item)
	}
	lines := conversation.lines(messageID, "")
	if len(lines) == 0 {
		return "", keydef.Missing(what, &eventcore.Error{
			Code: eventcore.CodePlatformError, Message: "the platform returned none of them",
			Hint: "the message may have been recalled; the event is complete but for that",
		})
	}
	return "Forwarded messages:\n" + strings.Join(lines, "\n"), nil
}

// forwarded is a tree of forwarded messages, children by the id of the message above them.
type forwarded struct {
	children map[string][]forwardedMessage
}

// lines renders what is below a message. Each group of children is taken out of the tree, so that an answer with a
// circle in it comes to an end.
func (f forwarded) lines(id, indent string) []string {
	children := f.children[id]
	delete(f.children, id)
	var lines []string
	for _, child := range children {
		// An error leaves the placeholder, which is all there is to say of one message among many.
		rendered, _ := content.Render(string(child.Type), string(child.Body.Content), mentioned(child.Mentions))
		text := strings.ReplaceAll(rendered.Text, "\n", "\n"+indent+"  ")
		lines = append(lines, indent+"- "+heading(child)+text)
		if child.Type == mergeForward {
			lines = append(lines, f.lines(string(child.MessageID), indent+"  ")...)
		}
	}
	return lines
}

// heading says when and by whom a message was sent.
func heading(m forwardedMessage) string {
	sender := m.Sender.Name
	if sender == "" {
		sender = m.Sender.ID
	}
	heading := strings.TrimSpace(m.CreateTime.UTC() + " " + string(sender))
	if heading == "" {
		return ""
	}
	return heading + ": "
}
