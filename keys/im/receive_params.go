package im

import (
	"context"
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The params of im.message.receive_v1.
const (
	paramChatID      = "chat_id"
	paramChatType    = "chat_type"
	paramSenderID    = "sender_id"
	paramMessageType = "message_type"
	paramMentionsMe  = "mentions_me"
	// botOpenID is no param that a caller can give: normalizeReceive puts the bot's own id there for matchReceive.
	botOpenID = "bot_open_id"
)

const chatTypeP2P = "p2p"

func receiveParams() []eventcore.ParamDef {
	return []eventcore.ParamDef{
		{Name: paramChatID, Type: eventcore.ParamString, Description: "only messages in this chat, such as oc_5ce6d572455d361153b7cb51da133945"},
		{Name: paramChatType, Type: eventcore.ParamEnum, Description: "only messages in chats of this type", Values: []eventcore.ParamValue{
			{Value: chatTypeP2P, Desc: "one-to-one chats of a person with the bot"},
			{Value: "group", Desc: "groups of any kind, those with topics included"},
		}},
		{Name: paramSenderID, Type: eventcore.ParamString, Description: "only messages of this sender, an open_id such as ou_84aad35d084aa403a838cf73ee18467"},
		{Name: paramMessageType, Type: eventcore.ParamMulti, Description: "only messages of these types", Values: messageTypes()},
		{Name: paramMentionsMe, Type: eventcore.ParamBool, Default: "false", Description: "true: in groups, only messages that mention this bot by name " +
			"(mentioning everyone does not count); one-to-one messages always pass"},
	}
}

func messageTypes() []eventcore.ParamValue {
	return []eventcore.ParamValue{
		{Value: "text", Desc: "plain text"},
		{Value: "post", Desc: "rich text: title, links, images, code, lists"},
		{Value: "image", Desc: "one picture"},
		{Value: "file", Desc: "one file"},
		{Value: "folder", Desc: "a folder of files"},
		{Value: "audio", Desc: "a voice message"},
		{Value: "media", Desc: "a video"},
		{Value: "sticker", Desc: "a sticker"},
		{Value: "interactive", Desc: "a card with text, buttons and fields, sent by an app"},
		{Value: "share_chat", Desc: "the card of a group"},
		{Value: "share_user", Desc: "the card of a person"},
		{Value: "merge_forward", Desc: "several messages forwarded as one"},
		{Value: "location", Desc: "a place"},
		{Value: "system", Desc: "what the messenger itself writes into a chat, such as who joined"},
		{Value: "share_calendar_event", Desc: "a calendar event that was shared"},
		{Value: "calendar", Desc: "an invitation to a calendar event"},
		{Value: "general_calendar", Desc: "other news of a calendar event, such as its transfer"},
		{Value: "video_chat", Desc: "a video call"},
		{Value: "todo", Desc: "a task"},
		{Value: "vote", Desc: "a poll"},
		{Value: "hongbao", Desc: "a red packet: a gift of money"},
	}
}

// normalizeReceive trims ids and refuses what is none, because a subscription for it would wait for ever without a
// word. For mentions_me it asks the platform who the bot is.
func normalizeReceive(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	if err := normalizeID(params, paramChatID, "oc_", "list the chats of the bot to find it; a name or a link does not do"); err != nil {
		return err
	}
	if err := normalizeID(params, paramSenderID, "ou_", "give the open_id, as sender_id of a message has it; a name or an address does not do"); err != nil {
		return err
	}
	if params[paramMentionsMe] != "true" {
		return nil
	}
	id, err := fetchBotOpenID(ctx, rt)
	if err != nil {
		return err
	}
	params[botOpenID] = id
	return nil
}

func normalizeID(params map[string]string, name, prefix, hint string) error {
	id := strings.TrimSpace(params[name])
	if id == "" {
		delete(params, name)
		return nil
	}
	if !strings.HasPrefix(id, prefix) {
		return &eventcore.Error{
			Code:    eventcore.CodeInvalidParams,
			Message: fmt.Sprintf("param %q of %s must be an id that starts with %s", name, receiveMessage, prefix),
			Hint:    hint,
			Param:   name,
		}
	}
	params[name] = id
	return nil
}
