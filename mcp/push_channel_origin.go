package mcp

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// origin is who caused an event and in which chat, as far as the event says.
type origin struct {
	// senders are the people who caused it: one, or several whose doings the platform tells of together.
	senders []person
	bot     bool // an app did it
	chat    string
}

// person is one person's ids, any of those below; none if the event has a person but no id.
type person []string

// personIDs are the kinds of ids that the platform has for a person, the most usual first.
var personIDs = []string{"open_id", "union_id", "user_id"}

// id is the one to show: the open_id if there is one.
func (p person) id() string {
	if len(p) == 0 {
		return ""
	}
	return p[0]
}

// senderPaths are the places of whoever caused an event, in its event member or, where a key makes its own payload, in
// that. They are tried in this order, and the first that holds an id counts. No other place is looked at: an event can
// hold other people's ids, and forms and cards hold members whose names anyone may choose.
var senderPaths = []string{
	"sender.sender_id", "sender_id", // messages
	"operator.operator_id", "operator.id", "operator_user_id", "operator_id", "operator_open_id", "operator",
	"operator_id_list", "operator_ids",
	"reader.reader_id",         // a message was read
	"inviter.id", "inviter_id", // a meeting
	"notice_meta.from_user_id", "from_id", // a comment
	"start_user", "started_by", // an approval, whose form is that person's text
	aboutUser, // a reaction, a post
}

// aboutUser is whoever acted only if it is an object of ids; a plain one is whom the event is about.
const aboutUser = "user_id"

// kindPaths are the places of what kind of sender that is.
var kindPaths = []string{"sender.sender_type", "sender_type", "operator_type"}

// chatPaths are, likewise, the places of the chat in which it happened.
var chatPaths = []string{"message.chat_id", "chat_id", "open_chat_id", "context.open_chat_id"}

// originOf finds out where an event comes from: from the platform's envelope, which has all ids of a person, or else
// from what the key's hooks found out.
func originOf(event consume.Event) origin {
	if found := findOrigin(event.Raw); len(found.senders) > 0 || found.chat != "" {
		return found
	}
	return findOrigin(event.Data)
}

// findOrigin looks into an envelope or a payload.
func findOrigin(text json.RawMessage) origin {
	var found origin
	body := eventBody(text)
	if body == nil {
		return found
	}
	for _, path := range senderPaths {
		value := lookUp(body, path)
		if _, plain := value.(string); plain && path == aboutUser {
			continue
		}
		if found.senders = people(value); len(found.senders) > 0 {
			break
		}
	}
	found.bot = slices.ContainsFunc(kindPaths, func(path string) bool {
		kind := lookUp(body, path)
		return kind == "app" || kind == "bot"
	})
	for _, path := range chatPaths {
		if chat, ok := lookUp(body, path).(string); ok && chat != "" {
			found.chat = chat
			break
		}
	}
	return found
}

// eventBody returns the event member of an envelope, or a payload as it is; nil for what is no object.
func eventBody(text json.RawMessage) map[string]any {
	var body map[string]any
	if json.Unmarshal(text, &body) != nil {
		return nil
	}
	if event, ok := body["event"].(map[string]any); ok {
		return event
	}
	return body
}

func lookUp(body map[string]any, path string) any {
	var value any = body
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

// people reads an id, an object of ids, or a list of either. What a list has beside ids counts as people without one,
// so that nobody can vouch for all of them.
func people(value any) []person {
	list, many := value.([]any)
	if !many {
		if p := personOf(value); len(p) > 0 {
			return []person{p}
		}
		return nil
	}
	var found []person
	for _, entry := range list {
		found = append(found, personOf(entry))
	}
	return found
}

func personOf(value any) person {
	var ids person
	switch value := value.(type) {
	case string:
		if value != "" {
			ids = person{value}
		}
	case map[string]any:
		for _, name := range personIDs {
			if id, ok := value[name].(string); ok && id != "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
