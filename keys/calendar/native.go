package calendar

import (
	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/platform"
)

const calendarsChanged = "calendar.calendar.changed_v4"

func calendarsChangedKey() eventcore.KeyDefinition {
	def := keydef.SubscribedBy(eventcore.KeyDefinition{
		Key:         calendarsChanged,
		DisplayName: "List of calendars changed",
		Description: "One of the user's calendars as such changed: a calendar was added to their list, removed from it, renamed or set up differently. " +
			"You get only whose list changed, not which calendar nor how: list the calendars to see. " +
			"For what happens on a calendar (meetings, appointments) take calendar.calendar.event.changed_v4, for who may see it " +
			"calendar.calendar.acl.created_v4 and calendar.calendar.acl.deleted_v4. Listens as the user, for all their calendars.",
		Scopes:    []string{readCalendars},
		AuthTypes: user(),
		Keywords:  []string{"shared calendar", "subscribed calendar", "new calendar", "日历变更", "日历列表", "订阅日历", "共享日历"},
	}, listCall("subscription"), listCall("unsubscription"))
	return keydef.Native[platform.CalendarV4CalendarChangedV4Data](def, examples, subscribers()...)
}

// listCall is the call that starts or ends the events about the user's list of calendars.
func listCall(verb string) func(map[string]string) keydef.Call {
	return func(map[string]string) keydef.Call { return post(calendarsPath + "/" + verb) }
}

// accessKeys are the keys about who may see a calendar. Both live on one subscription of the platform per calendar.
func accessKeys() []eventcore.KeyDefinition {
	const shared = "The event does not name the calendar: with several calendars subscribed to, each subscriber gets the events of all. " +
		"Listens as the user, who must have access to the calendar."
	granted, revoked := "calendar.calendar.acl.created_v4", "calendar.calendar.acl.deleted_v4"
	return []eventcore.KeyDefinition{
		keydef.Native[platform.CalendarV4CalendarAclCreatedV4Data](accessKey(eventcore.KeyDefinition{
			Key:         granted,
			DisplayName: "Calendar access granted",
			Description: "Someone was given access to a calendar: it was shared with them, or their role on it was set. " +
				"You get who, and with which role. " + shared,
			Keywords: []string{"calendar shared", "permission", "member added", "日历共享", "添加日历成员", "日历访问控制", "日历权限"},
		}), examples, accessFields("given")...),
		keydef.Native[platform.CalendarV4CalendarAclDeletedV4Data](accessKey(eventcore.KeyDefinition{
			Key:         revoked,
			DisplayName: "Calendar access revoked",
			Description: "Someone's access to a calendar was taken away: it is no longer shared with them. " +
				"You get who, and which role they had. " + shared,
			Keywords: []string{"calendar unshared", "permission", "member removed", "取消共享日历", "移除日历成员", "日历访问控制", "日历权限"},
		}), examples, accessFields("taken from them")...),
	}
}

func accessKey(def eventcore.KeyDefinition) eventcore.KeyDefinition {
	def.Params = []eventcore.ParamDef{calendarParam()}
	def.NormalizeParams = normalize
	def.Scopes, def.AuthTypes = []string{readAccess, readCalendars}, user()
	def.SubscriptionGroup = "calendar.calendar.acl"
	return keydef.SubscribedBy(def, perCalendar("acls", "subscription"), perCalendar("acls", "unsubscription"))
}

func accessFields(what string) []keydef.Overrides {
	return append(subscribers(),
		keydef.Field("/event/acl_id", "calendar_acl_id", "the access, unique within its calendar only"),
		keydef.Field("/event/role", "", "the role "+what+": free_busy_reader (sees only when someone is busy), reader (sees events), "+
			"writer (makes and changes events), owner (manages the calendar and who may see it), unknown"),
		keydef.Field("/event/scope", "", "whom the access is for"),
		keydef.Field("/event/scope/type", "", "user: one person"),
		keydef.User("/event/scope/user_id", "the person"),
	)
}

// subscribers describes for whom the platform sends an event.
func subscribers() []keydef.Overrides {
	return []keydef.Overrides{
		keydef.Field("/event/user_id_list", "", "the users whose subscription brought the event"),
		keydef.Field("/event/user_id_list/*/open_id", "open_id", "the user's id for this app; the one to use with the API"),
		keydef.Field("/event/user_id_list/*/union_id", "union_id", "the user's id for all apps of one developer"),
		keydef.Field("/event/user_id_list/*/user_id", "user_id", "the user's id in the company; null without the scope contact:user.employee_id:readonly"),
	}
}
