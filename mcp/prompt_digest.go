package mcp

import (
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

func digestPrompt() prompt {
	return prompt{
		name: "digest", title: "Summarise a period of Lark events",
		description: "Summarise what happened since a cursor, or for an age such as 2h",
		arguments: []argument{
			{name: "since", kind: kindText, required: true, description: "a cursor of an earlier result, or an age such as 30m, 12h or 2d"},
			subscriptionArgument(),
			{name: "key", kind: kindText, description: "one event key, subscribed to or not; not together with subscription_id"},
		},
		check: checkDigest,
		text: func(s *Session, args arguments) string {
			period := "in the last " + args.text("since")
			if eventcore.IsCursor(args.text("since")) {
				period = "since cursor " + args.text("since")
			}
			return fmt.Sprintf(`Summarise what happened in Lark %s, up to now.

1. %s
2. Read on while has_more is true, each time with the cursor of the page before. If truncated is true, the journal no longer reaches back that far: say from when on you could read.
3. Begin with three sentences on the whole. Then what matters most, by subject: who, where, what came of it, what is open. Numbers where they tell something (messages, people, chats), and what you left out as noise.
4. End with the last cursor, from which the next digest can go on.`, period, howToRead(s, args))
		},
	}
}

// howToRead says which calls bring the events of the period. An age needs subscriptions of its own: polls know cursors
// only, and what is subscribed to already begins where it began. A key that takes one subscription only cannot have
// another: the one that is there is read again.
func howToRead(s *Session, args arguments) string {
	since, key, id := args.text("since"), args.text("key"), args.text("subscription_id")
	if eventcore.IsCursor(since) && key == "" {
		call := map[string]any{"cursor": since}
		if id != "" {
			call["subscription_id"] = id
		}
		return "Call poll_events with " + asJSON(call) + ". " + positionMoves
	}
	var fresh, again []string
	for _, sub := range s.subs.all() {
		switch {
		case id != "" && id != sub.ID || key != "" && key != sub.Key.Key:
		case sub.Key.SingleConsumer:
			again = append(again, readAgain(sub, since))
		case key == "":
			fresh = append(fresh, pastEvents(sub.Key.Key, eventcore.TypedParams(sub.Key, sub.Params), sub.Filter, since))
		}
	}
	if key != "" && len(again) == 0 {
		fresh = append(fresh, pastEvents(key, nil, "", since))
	}
	var steps []string
	if len(fresh) > 0 {
		steps = append(steps, "Call subscribe_event with "+strings.Join(fresh, ", and with ")+". Then poll_events with each new subscription_id, and "+
			"unsubscribe_event from it when you have read it: it is for this only.")
	}
	if len(again) > 0 {
		steps = append(steps, "Call poll_events with "+strings.Join(again, ", and with ")+". These keys take one subscription at a time: this reads "+
			"what is there again, so leave out what is from before the period, and if it began later, say from when on you could read. "+positionMoves)
	}
	if len(steps) == 0 {
		return "Nothing is subscribed to yet. Ask me which kind of event is meant, find its key, call subscribe_event with it, " +
			asJSON(map[string]any{"from": since, "push": PushOff}) + " and the params it needs, and poll_events with its subscription_id."
	}
	return strings.Join(steps, " ")
}

const positionMoves = "Later polls without a cursor go on behind what you read here."

// readAgain returns the arguments of a poll that reads a subscription again: from the cursor or, because no poll begins at
// an age, from where the subscription began.
func readAgain(sub *subscription, since string) string {
	if !eventcore.IsCursor(since) {
		since = sub.Start.String()
	}
	return asJSON(map[string]any{"cursor": since, "subscription_id": sub.ID})
}

// pastEvents returns the arguments of a subscription beside any that is there: the filter drops what the other one does,
// and is written in another way.
func pastEvents(key string, params map[string]any, filter, since string) string {
	again := "true"
	if filter != "" {
		again = "(" + filter + ") | ."
	}
	call := map[string]any{"key": key, "filter": again, "from": since, "push": PushOff}
	if len(params) > 0 {
		call["params"] = params
	}
	return asJSON(call)
}

func asJSON(call map[string]any) string {
	text, _ := encode(call) // what JSON brought here always encodes
	return string(text)
}

func checkDigest(s *Session, args arguments) error {
	since, key := args.text("since"), args.text("key")
	const hint = "pass a cursor exactly as a result gave it, or an age such as 30m, 12h or 2d"
	if eventcore.IsCursor(since) {
		if _, err := eventcore.ParseCursor(since); err != nil {
			return invalidArgument("since", "is no cursor of this server: "+quoted(clip(since, 80)), hint, nil)
		}
	} else if age, err := consume.ParseAge(since); err != nil || age <= 0 {
		return invalidArgument("since", "is neither a cursor nor an age: "+quoted(clip(since, 80)), hint, nil)
	}
	if key != "" {
		if args.text("subscription_id") != "" {
			return invalidArgument("key", "cannot be given together with subscription_id", "leave one of them out", nil)
		}
		if _, ok := eventcore.Lookup(key); !ok {
			unknown := asUserError(eventcore.UnknownKey(key))
			return invalidArgument("key", "is no event key: "+quoted(clip(key, 100)), unknown.Hint, nil)
		}
	}
	return checkSubscription(s, args)
}
