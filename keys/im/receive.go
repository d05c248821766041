package im

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/im/content"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const receiveMessage = "im.message.receive_v1"

// forwardWorkers is how many forwarded conversations may be fetched at once for one consumer.
const forwardWorkers = 4

// receiveKey describes the scopes as "Receive message" does. That a bot has been sent its own messages is known from
// librefang/librefang pull request 2443 and openclaw/openclaw pull request 90572.
func receiveKey() eventcore.KeyDefinition {
	return eventcore.KeyDefinition{
		Key:         receiveMessage,
		DisplayName: "Message received",
		Keywords:    []string{"writes to the bot", "someone replied in a chat", "new message", "incoming message", "replied", "reply", "mention", "direct message", "file sent", "picture sent", "收到消息", "新消息", "接收消息", "回复消息", "提到机器人", "有人@我", "群聊消息", "群消息"},
		Description: "Someone wrote to the bot, or in a group the bot is in. You get one flat message: who, where, when, " +
			"the content rendered as text with mentions resolved to names, and keys of files to download. " +
			"One-to-one messages need only the scope listed. In groups the app receives messages that mention the bot if it " +
			"has im:message.group_at_msg:readonly (for mentions by other bots im:message.group_at_msg.include_bot:readonly, custom " +
			"apps only), and all messages if it has im:message.group_msg. Forwarded conversations are fetched and rendered " +
			"if the app has im:message:readonly, in groups also im:message.group_msg. What the bot itself sends normally does " +
			"not come back; if it does, sender_type is app or bot, and it must not be answered. " +
			"Narrow it with params rather than reading everything.",
		EventType:             receiveMessage,
		Params:                receiveParams(),
		Schema:                eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Type: reflect.TypeFor[MessageReceived]()}},
		NormalizeParams:       normalizeReceive,
		Match:                 matchReceive,
		Process:               processReceive,
		Scopes:                []string{"im:message.p2p_msg:readonly"},
		AuthTypes:             bot(),
		RequiredConsoleEvents: []string{receiveMessage},
		Workers:               forwardWorkers,
		Example:               keydef.Example(examples, receiveMessage),
	}
}

// processReceive makes the flat message of an event. Content that cannot be rendered is told of in the message, and a
// forwarded conversation that cannot be fetched also by the error beside it, with the scope it needs. Only an event that
// holds no message gives nothing but an error.
func processReceive(ctx context.Context, rt eventcore.APIClient, raw *eventcore.RawEvent, _ map[string]string) (json.RawMessage, error) {
	event, err := parseReceived(raw)
	if err != nil {
		return nil, err
	}
	in := &event.Event.Message
	if in.MessageID == "" {
		return nil, errors.New("the event has no message with an id")
	}
	out := MessageReceived{
		MessageID: string(in.MessageID), RootID: string(in.RootID), ParentID: string(in.ParentID),
		ThreadID: string(in.ThreadID), ChatID: string(in.ChatID), ChatType: string(in.ChatType),
		MessageType: string(in.MessageType), SenderID: string(event.Event.Sender.ID),
	}
	if out.RootID == out.ParentID {
		out.RootID = "" // a reply to the first message; most are
	}
	if kind := event.Event.Sender.Type; kind != "user" {
		out.SenderType = string(kind)
	}
	for _, m := range in.Mentions {
		if m.Key == content.MentionAll {
			continue
		}
		out.Mentions = append(out.Mentions, Mention{Name: string(m.Name), ID: string(m.ID), Bot: m.Type == "bot"})
	}
	rendered, err := content.Render(string(in.MessageType), string(in.Content), mentioned(in.Mentions))
	if err != nil {
		out.ContentError, out.RawContent = err.Error(), string(in.Content)
	}
	out.Content, out.Attachments = rendered.Text, rendered.Attachments
	if rendered.Withheld {
		out.ContentError = withheld(out.MessageID)
	}
	var lookupErr error
	if in.MessageType == mergeForward {
		var text string
		if text, lookupErr = fetchForward(ctx, rt, out.MessageID); lookupErr != nil {
			out.ContentError = lookupErr.Error()
		} else {
			out.Content = text
		}
	}
	data, err := keydef.Encode(out)
	return data, errors.Join(lookupErr, err)
}

// withheld says how to read a card that the event does not hold.
func withheld(messageID string) string {
	return "the platform sent a placeholder in place of the card; to read the card, GET " + messagePath(messageID) + asSent +
		" with the scope " + forwardScope + ", in groups also " + groupScope
}

// mentioned returns the mentions as the renderer takes them.
func mentioned(list []mention) []content.Mention {
	mentions := make([]content.Mention, len(list))
	for i, m := range list {
		mentions[i] = content.Mention{Key: string(m.Key), Name: string(m.Name)}
	}
	return mentions
}
