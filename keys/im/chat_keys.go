package im

import (
	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/platform"
)

// chatKeys are the native keys about chats as such.
func chatKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		keydef.Native[platform.ImV1ChatUpdatedV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.updated_v1",
			DisplayName: "Group settings changed",
			Keywords:    []string{"group renamed", "chat name", "avatar", "announcement", "owner", "群名称", "群配置", "群信息修改", "群主变更"},
			Description: "The settings of a group the bot is in changed: name, avatar, description, owner, permissions, " +
				"or the list of those who may speak. You get before_change and after_change with only the members that " +
				"changed, and who changed them.",
			Scopes:    []string{"im:chat:read"},
			AuthTypes: bot(),
		}, examples, updateFields()...),
		keydef.Native[platform.ImV1ChatDisbandedV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.disbanded_v1",
			DisplayName: "Group dissolved",
			Keywords:    []string{"group disbanded", "chat deleted", "群解散", "解散群", "解散群聊"},
			Description: "A group the bot was in was dissolved; its id is of no more use. " +
				"You get the group's id and last name and who dissolved it.",
			Scopes:    []string{"im:chat:read"},
			AuthTypes: bot(),
		}, examples, groupFields("who dissolved the group")...),
		keydef.Native[platform.ImV1ChatAccessEventBotP2pChatEnteredV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.access_event.bot_p2p_chat_entered_v1",
			DisplayName: "One-to-one chat with the bot opened",
			Keywords:    []string{"user opens the bot", "conversation started", "p2p", "进入机器人会话", "打开单聊", "首次会话"},
			Description: "A person opened the one-to-one chat with this bot, whether or not they write something; the moment " +
				"to greet or to offer help. It fires on every opening, so compare last_message_create_time before " +
				"you greet again. You get the chat, the person, and the latest message they see.",
			Scopes:    []string{"im:chat.access_event.bot_p2p_chat:read"},
			AuthTypes: bot(),
		}, examples,
			keydef.Field("/event/chat_id", "chat_id", "the one-to-one chat"),
			keydef.User("/event/operator_id", "who opened the chat"),
			keydef.Field("/event/last_message_id", "message_id", "the latest message the person sees there; absent in an empty chat"),
			keydef.Field("/event/last_message_create_time", "timestamp_ms", "when that message was sent, in milliseconds since 1970"),
		),
	}
}

// updateFields describes a change of a group's settings.
func updateFields() []keydef.Overrides {
	fields := []keydef.Overrides{
		keydef.Field("/event/chat_id", "chat_id", "the group"),
		keydef.User("/event/operator_id", "who changed the settings"),
		keydef.Field("/event/operator_tenant_key", "tenant_key", "the operator's company"),
		keydef.Field("/event/external", "", "whether the group has members from other companies"),
		keydef.Field("/event/moderator_list", "", "changes to the list of those who may speak, where speaking is limited"),
		keydef.Field("/event/moderator_list/added_member_list/*/user_id/open_id", "open_id", ""),
		keydef.Field("/event/moderator_list/removed_member_list/*/user_id/open_id", "open_id", ""),
	}
	return append(append(fields, settings("/event/before_change", "before")...), settings("/event/after_change", "after")...)
}

// settings describes the settings of a group before or after a change.
func settings(pointer, when string) []keydef.Overrides {
	return []keydef.Overrides{
		keydef.Field(pointer, "", "the settings that changed, as they were "+when+" the change"),
		keydef.Field(pointer+"/avatar", "image_key", ""),
		keydef.Field(pointer+"/add_member_permission", "", "who may add members: all_members, only_owner (owner and administrators)"),
		keydef.Field(pointer+"/share_card_permission", "", "whether the group may be shared: allowed, not_allowed"),
		keydef.Field(pointer+"/at_all_permission", "", "who may mention everyone: all_members, only_owner"),
		keydef.Field(pointer+"/edit_permission", "", "who may edit the group: all_members, only_owner"),
		keydef.Field(pointer+"/membership_approval", "", "whether joining needs approval: no_approval_required, approval_required"),
		keydef.Field(pointer+"/moderation_permission", "", "who may speak: all_members, only_owner, or those in moderator_list"),
		keydef.Field(pointer+"/owner_id/open_id", "open_id", "the group's owner"),
		keydef.Field(pointer+"/group_message_type", "", "chat: messages in a row; thread: messages in topics"),
	}
}
