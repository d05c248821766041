package larksim

import "time"

// Reaction is an emoji put on a message.
func Reaction(by Person, messageID, emoji string) Event {
	return Event{Type: "im.message.reaction.created_v1", Body: object{
		"message_id": messageID, "reaction_type": object{"emoji_type": emoji}, "operator_type": "user",
		"user_id": by.ids(), "action_time": decimal(time.Now().UnixMilli()),
	}}
}

// Read is a read receipt of messages in a chat with the bot.
func Read(by Person, messageIDs ...string) Event {
	return Event{Type: "im.message.message_read_v1", Body: object{
		"reader": object{
			"reader_id": by.ids(), "read_time": decimal(time.Now().UnixMilli()), "tenant_key": TenantKey,
		},
		"message_id_list": messageIDs,
	}}
}

// MemberAdded is somebody added to a group.
func MemberAdded(by, who Person, in Chat) Event {
	body := inChat(by, in)
	body["users"] = []object{{"name": who.Name, "tenant_key": TenantKey, "user_id": who.ids()}}
	return Event{Type: "im.chat.member.user.added_v1", Body: body}
}

// BotAdded is the bot added to a group.
func BotAdded(by Person, in Chat) Event {
	return Event{Type: "im.chat.member.bot.added_v1", Body: inChat(by, in)}
}

// ChatRenamed is a group that gets another name.
func ChatRenamed(by Person, in Chat, name string) Event {
	body := inChat(by, in)
	delete(body, "name")
	delete(body, "i18n_names")
	body["before_change"] = object{"name": in.Name}
	body["after_change"] = object{"name": name}
	return Event{Type: "im.chat.updated_v1", Body: body}
}

// CardPressed is a button pressed on a card that the bot sent; value is the button's.
func CardPressed(by Person, in Chat, messageID string, value map[string]any) Event {
	operator := by.ids()
	operator["tenant_key"] = TenantKey
	return Event{Type: CardAction, Body: object{
		"operator": operator, "token": "c-" + newID(), "host": "im_message",
		"action":  object{"tag": "button", "value": value},
		"context": object{"open_message_id": messageID, "open_chat_id": in.ID},
	}}
}

func inChat(by Person, in Chat) object {
	return object{
		"chat_id": in.ID, "operator_id": by.ids(), "external": false, "operator_tenant_key": TenantKey,
		"name": in.Name, "i18n_names": object{"en_us": in.Name},
	}
}
