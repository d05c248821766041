package keys

// domains says in one line what each domain's keys are about.
func domains() map[string]string {
	return map[string]string{
		"acs":                     "door access: entry records and who may enter",
		"application":             "the app itself: bot menu, versions, feedback, visibility",
		"approval":                "approval requests and approvers' tasks",
		"auth":                    "user access tokens that are revoked",
		"board":                   "whiteboards",
		"calendar":                "calendars, their events and who shares them",
		"card":                    "clicks and forms on the bot's message cards",
		"compensation":            "pay: compensation archives",
		"contact":                 "people, departments and employee types of the company",
		"corehr":                  "HR master data: employments, jobs, org units, onboarding, offboarding",
		"drive":                   "files: edits, comments, permissions, Base records",
		"elearning":               "course registrations",
		"event":                   "any event type by its name",
		"helpdesk":                "support tickets and their messages",
		"hire":                    "recruiting: candidates, applications, offers, checks",
		"im":                      "messages, reactions, chats and their members",
		"mail":                    "mail that arrives in a mailbox",
		"meeting_room":            "meeting rooms (older room service)",
		"minutes":                 "meeting minutes: recordings with transcript",
		"moments":                 "company circle: posts, comments, reactions",
		"payroll":                 "payroll runs",
		"performance":             "performance reviews",
		"security_and_compliance": "devices: applications and changes",
		"task":                    "tasks and their comments",
		"url":                     "link previews",
		"v1":                      "events in the platform's first format: approvals of leave and travel, older notices",
		"vc":                      "video meetings, recordings, notes, rooms",
	}
}
