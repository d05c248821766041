package im

import (
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// matchReceive reports whether a message is among those the params ask for. An event that cannot be read, or does not
// say what is asked, passes, so that it is delivered rather than lost.
func matchReceive(raw *eventcore.RawEvent, params map[string]string) bool {
	if !narrows(params) {
		return true
	}
	event, err := parseReceived(raw)
	if err != nil {
		return true
	}
	message := &event.Event.Message
	if !keydef.Admits(params[paramChatID], message.ChatID) || !keydef.Admits(params[paramSenderID], event.Event.Sender.ID) ||
		!keydef.Admits(params[paramMessageType], message.MessageType) {
		return false
	}
	// The platform documents p2p and group; groups with topics have been seen as topic_group.
	if kind := params[paramChatType]; kind != "" && message.ChatType != "" && (kind == chatTypeP2P) != (message.ChatType == chatTypeP2P) {
		return false
	}
	if params[paramMentionsMe] == "true" && message.ChatType != chatTypeP2P {
		return slices.ContainsFunc(message.Mentions, func(m mention) bool {
			return m.ID != "" && string(m.ID) == params[botOpenID]
		})
	}
	return true
}

// narrows reports whether any param asks for less than everything.
func narrows(params map[string]string) bool {
	for _, name := range []string{paramChatID, paramChatType, paramSenderID, paramMessageType} {
		if params[name] != "" {
			return true
		}
	}
	return params[paramMentionsMe] == "true"
}
