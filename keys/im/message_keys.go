package im

import (
	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/platform"
)

// messageKeys are the native keys about single messages.
func messageKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		keydef.Native[platform.ImV1MessageReadV1Data](eventcore.KeyDefinition{
			Key:         "im.message.message_read_v1",
			DisplayName: "Message read",
			Keywords:    []string{"read receipt", "seen", "opened", "消息已读", "已读回执"},
			Description: "A person opened messages that the bot sent to them in a one-to-one chat. " +
				"You get who read, when, and the ids of the messages, of which there may be several. " +
				"It does not fire for messages of others, nor for messages in groups.",
			Scopes:    []string{"im:message:readonly or im:message"},
			AuthTypes: bot(),
		}, examples,
			keydef.User("/event/reader/reader_id", "who read the messages"),
			keydef.Field("/event/reader/read_time", "timestamp_ms", "when they were read, in milliseconds since 1970"),
			keydef.Field("/event/reader/tenant_key", "tenant_key", "the reader's company"),
			keydef.Field("/event/message_id_list", "", "the messages read"),
			keydef.Field("/event/message_id_list/*", "message_id", ""),
		),
		keydef.Native[platform.ImV1MessageReactionCreatedV1Data](eventcore.KeyDefinition{
			Key:         "im.message.reaction.created_v1",
			DisplayName: "Reaction added",
			Keywords:    []string{"emoji", "thumbs up", "like", "点赞", "表情回复", "添加表情"},
			Description: "Someone put an emoji reaction on a message in a chat the bot is in. " +
				"You get the message id, the emoji's name (such as THUMBSUP) and who reacted; the message itself you must " +
				"read by its id. The reactor may be an app, also this bot: operator_type says user or app.",
			Scopes:    []string{"im:message:readonly or im:message.reactions:read"},
			AuthTypes: bot(),
		}, examples, reactionFields("added")...),
		keydef.Native[platform.ImV1MessageReactionDeletedV1Data](eventcore.KeyDefinition{
			Key:         "im.message.reaction.deleted_v1",
			DisplayName: "Reaction removed",
			Keywords:    []string{"emoji", "reaction taken back", "like withdrawn", "取消表情", "删除表情", "取消点赞"},
			Description: "Someone took back an emoji reaction on a message in a chat the bot is in. " +
				"You get the message id, the emoji's name and who took it back.",
			Scopes:    []string{"im:message:readonly or im:message.reactions:read"},
			AuthTypes: bot(),
		}, examples, reactionFields("removed")...),
	}
}

// reactionFields describes an event about a reaction that was added or removed.
func reactionFields(done string) []keydef.Overrides {
	return []keydef.Overrides{
		keydef.Field("/event/message_id", "message_id", "the message with the reaction"),
		keydef.Field("/event/reaction_type/emoji_type", "", "the emoji's name, such as THUMBSUP, SMILE or DONE"),
		keydef.Field("/event/operator_type", "", "user: a person, see user_id; app: an app, see app_id"),
		keydef.User("/event/user_id", "who "+done+" the reaction, if that was a person"),
		keydef.Field("/event/app_id", "app_id", "which app "+done+" the reaction, if that was an app"),
		keydef.Field("/event/action_time", "timestamp_ms", "when the reaction was "+done+", in milliseconds since 1970"),
	}
}
