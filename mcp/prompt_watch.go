package mcp

func watchPrompt() prompt {
	return prompt{
		name: "watch", title: "Watch for something in Lark",
		description: "Set up a subscription from a wish in plain words",
		arguments: []argument{
			{name: "wish", kind: kindText, required: true, maxText: 4096, description: "what you want to hear of, and what is to be done then"},
		},
		text: func(_ *Session, args arguments) string {
			return "Watch Lark for me. My wish:\n\n" + args.text("wish") + "\n\n" +
				`If my wish is a single word or breaks off, my client has cut it: ask me for the whole of it first.

1. Find the event: list_event_keys with a query of what happens; other words if nothing fits. If nothing does, say so, and stop.
2. Read describe_event_key of the nearest one or two. Choose the key, and the params that narrow it to my wish; what params cannot say goes into filter. Ask me where my wish leaves a choice that matters (which chat, whose messages).
3. Call subscribe_event. On an error do what its hint says; credentials and permissions are mine to fix, so tell me exactly what is missing.
4. Look at the result: source.state must be connected, or say what warnings say. push tells how you will hear of events; if its mode is off, that is by poll_events with wait_seconds.
5. Confirm in a few sentences: what you watch and what you leave out, the subscription_id, and what you will do when an event comes. Then do only that.`
		},
	}
}
