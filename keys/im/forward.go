package im

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/im/content"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// mergeForward is the message type of a conversation forwarded as one message.
const mergeForward = "merge_forward"

const (
	// forwardScope lets the bot read a message by its id.
	forwardScope = "im:message:readonly"
	// groupScope lets it read messages of groups, which takes both (source: "Get message").
	groupScope = "im:message.group_msg"
	// codeLacksGroupScope refuses to read a message of a group without groupScope, with the words "Lack of necessary
	// permissions, ext=need scope: …" (riba2534/feishu-cli issue 148).
	codeLacksGroupScope = 230027
)

// asSent asks for cards as they were sent. Without it the platform makes of a card 2.0 a picture and a sentence (source:
// "Get message"; openclaw/openclaw issue 78289).
const asSent = "?card_msg_content_type=user_card_content"

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

	// at orders it among its siblings: its own time, or that of the one before it.
	at int64
}

// fetchForward returns the messages of a forwarded conversation as text, one after the other, each with its time and
// sender. The event holds none of them: reading the message by its id returns it together with its children (source:
// "Get message"). The error says what is missing and which scope it needs.
func fetchForward(ctx context.Context, rt eventcore.APIClient, messageID string) (string, error) {
	data, err := keydef.Get[struct {
		Items []forwardedMessage `json:"items"`
	}](ctx, rt, messagePath(messageID)+asSent)
	if err != nil {
		return "", missingForward(err)
	}
	lines := newForwarded(messageID, data.Items).lines(messageID, "")
	if len(lines) == 0 {
		return "", missingForward(&eventcore.Error{
			Code: eventcore.CodePlatformError, Message: "the platform returned none of them",
			Hint: "the message may have been recalled; the event is complete but for that",
		})
	}
	return "Forwarded messages:\n" + strings.Join(lines, "\n"), nil
}

// messagePath is where a message is read.
func messagePath(messageID string) string {
	return "/open-apis/im/v1/messages/" + url.PathEscape(messageID)
}

// missingForward is the error of a forward that could not be read.
func missingForward(err error) error {
	failure := eventcore.AsError(keydef.Missing("the forwarded messages", err, forwardScope))
	switch {
	case failure.PlatformCode == codeLacksGroupScope:
		failure.Code, failure.Scopes = eventcore.CodePermissionDenied, []string{groupScope}
		failure.Hint = "to read messages of groups, add " + groupScope + " to the app in the developer console and publish a new version"
	case failure.Code == eventcore.CodePermissionDenied:
		failure.Hint += "; to read messages of groups it needs " + groupScope + " as well"
	}
	return failure
}

// forwarded is a tree of forwarded messages, children by the id of the message above them.
type forwarded struct {
	children map[string][]forwardedMessage
}

// newForwarded makes the tree of what reading the forward root returned: itself, and messages that name the one above
// them in upper_message_id (source: GetMessageRespData in the SDK). Those right below the root have been seen without it
// (openclaw/openclaw pull request 115136), and go there also if they name a message that was not returned. Siblings are
// sorted by time, those of the same time as they came.
func newForwarded(root string, items []forwardedMessage) forwarded {
	returned := map[keydef.Text]bool{}
	for _, item := range items {
		returned[item.MessageID] = true
	}
	f := forwarded{children: map[string][]forwardedMessage{}}
	for _, item := range items {
		if string(item.MessageID) == root {
			continue
		}
		upper := root
		if item.UpperMessageID != "" && returned[item.UpperMessageID] {
			upper = string(item.UpperMessageID)
		}
		siblings := f.children[upper]
		if item.at = item.CreateTime.Int(); item.at == 0 && len(siblings) > 0 {
			item.at = siblings[len(siblings)-1].at
		}
		f.children[upper] = append(siblings, item)
	}
	for _, siblings := range f.children {
		slices.SortStableFunc(siblings, func(a, b forwardedMessage) int { return cmp.Compare(a.at, b.at) })
	}
	return f
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
