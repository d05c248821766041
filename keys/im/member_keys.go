package im

import (
	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/platform"
)

// memberKeys are the native keys about who joins and leaves groups.
func memberKeys() []eventcore.KeyDefinition {
	botScopes := []string{"im:chat.members:bot_access"}
	userScopes := []string{"im:chat.members:read"}
	return []eventcore.KeyDefinition{
		keydef.Native[platform.ImV1ChatMemberBotAddedV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.member.bot.added_v1",
			DisplayName: "Bot added to a group",
			Keywords:    []string{"bot joins a chat", "bot invited to a chat", "机器人进群", "添加机器人", "机器人入群"},
			Description: "This bot was added to a group; the moment to introduce itself or to start watching the group. " +
				"You get the group's id and name and who added the bot. It does not fire for other bots.",
			Scopes:    botScopes,
			AuthTypes: bot(),
		}, examples, groupFields("who added the bot")...),
		keydef.Native[platform.ImV1ChatMemberBotDeletedV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.member.bot.deleted_v1",
			DisplayName: "Bot removed from a group",
			Keywords:    []string{"bot kicked out", "bot leaves a chat", "机器人被移出群", "移除机器人", "机器人退群"},
			Description: "This bot was removed from a group, and can neither read nor write there any more. " +
				"You get the group's id and name and who removed the bot. A group that is dissolved fires " +
				"im.chat.disbanded_v1 instead.",
			Scopes:    botScopes,
			AuthTypes: bot(),
		}, examples, groupFields("who removed the bot")...),
		keydef.Native[platform.ImV1ChatMemberUserAddedV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.member.user.added_v1",
			DisplayName: "People joined a group",
			Keywords:    []string{"person joined the group chat", "colleague joined the group", "member added", "user joins a chat", "用户进群", "新成员入群", "加入群聊"},
			Description: "One or more people joined a group the bot is in, invited or on their own. " +
				"You get the group and the list of new members with names and ids. Bots are not in it.",
			Scopes:    userScopes,
			AuthTypes: bot(),
		}, examples, userFields("who invited them, or the person who joined", "the people who joined")...),
		keydef.Native[platform.ImV1ChatMemberUserDeletedV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.member.user.deleted_v1",
			DisplayName: "People left a group",
			Keywords:    []string{"member removed", "user quits a chat", "kicked out of a chat", "用户退群", "移出群聊", "成员退出"},
			Description: "One or more people left a group the bot is in, or were removed from it. " +
				"You get the group and the list of former members. Whoever left on their own is also the operator.",
			Scopes:    userScopes,
			AuthTypes: bot(),
		}, examples, userFields("who removed them, or the person who left", "the people who left")...),
		keydef.Native[platform.ImV1ChatMemberUserWithdrawnV1Data](eventcore.KeyDefinition{
			Key:         "im.chat.member.user.withdrawn_v1",
			DisplayName: "Invitation to a group withdrawn",
			Keywords:    []string{"invite revoked", "撤销拉人", "撤销邀请", "取消邀请入群"},
			Description: "An invitation of people to a group the bot is in was taken back, so that they are members no longer. " +
				"You get the group, who took it back, and whom it was for.",
			Scopes:    userScopes,
			AuthTypes: bot(),
		}, examples, userFields("who took the invitation back", "the people whose invitation was taken back")...),
	}
}

// groupFields describes what events about groups have in common.
func groupFields(operator string) []keydef.Overrides {
	return []keydef.Overrides{
		keydef.Field("/event/chat_id", "chat_id", "the group"),
		keydef.User("/event/operator_id", operator),
		keydef.Field("/event/operator_tenant_key", "tenant_key", "the operator's company"),
		keydef.Field("/event/external", "", "whether the group has members from other companies"),
		keydef.Field("/event/name", "", "the group's name"),
		keydef.Field("/event/i18n_names", "", "the group's name in other languages, where it has some"),
	}
}

// userFields describes an event about people in a group.
func userFields(operator, users string) []keydef.Overrides {
	return append(groupFields(operator),
		keydef.Field("/event/users", "", users),
		keydef.Field("/event/users/*/name", "", "the person's name"),
		keydef.Field("/event/users/*/tenant_key", "tenant_key", "the person's company"),
		keydef.User("/event/users/*/user_id", "the person's ids"),
	)
}
