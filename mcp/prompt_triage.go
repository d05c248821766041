package mcp

func triagePrompt() prompt {
	return prompt{
		name: "triage", title: "Go through unread Lark events",
		description: "Read what is unread and propose actions",
		arguments:   []argument{subscriptionArgument()},
		check:       checkSubscription,
		text: func(_ *Session, args arguments) string {
			which, call := "all subscriptions of this session", "poll_events"
			if id := args.text("subscription_id"); id != "" {
				which, call = "subscription "+id, `poll_events with subscription_id "`+id+`"`
			}
			return "Go through the unread events of " + which + `.

1. Call ` + call + `, again while has_more is true. If truncated is true, tell me that older events are gone. If there is nothing to poll, or nothing came where something should, look at event_status.
2. Group what belongs together: a conversation, a document, a person. For each group say who, where and what in one line, with the event's time.
3. Sort: needs me now, needs me later, for information, noise. Propose one action for each that needs me, with the ids it would take (message_id, chat_id, …).
4. Take no action yet: ask me which.`
		},
	}
}
