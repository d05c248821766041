package im

import (
	"github.com/larkevents/lark-events-mcp/eventcore/jsonscan"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// scanReceived reads what parseReceived does, a few times as fast. It reports false for an envelope that is not as the
// platform writes it.
func scanReceived(payload []byte) (*receivedEvent, bool) {
	var e receivedEvent
	s := scan{jsonscan.New(payload)}
	s.members(func(name string) bool {
		return name == "event" && s.members(func(name string) bool {
			switch name {
			case "sender":
				return s.sender(&e)
			case "message":
				return s.message(&e)
			}
			return false
		})
	})
	return &e, s.OK()
}

// scan reads values as keydef's types do.
type scan struct{ *jsonscan.Scanner }

// members reads an object; take reports whether it took the member's value, which is passed over otherwise.
func (s scan) members(take func(name string) bool) bool {
	s.Object(func(name []byte) {
		if !take(string(name)) {
			s.Value()
		}
	})
	return true
}

func (s scan) text(to *keydef.Text) bool {
	if s.Is('"') {
		*to = keydef.Text(s.Text())
		return true
	}
	if *to = keydef.Text(s.Value()); *to == "null" {
		*to = ""
	}
	return true
}

func (s scan) userID(to *keydef.UserID) bool {
	var id keydef.Text
	if s.Is('{') {
		s.members(func(name string) bool { return name == "open_id" && s.text(&id) })
	} else {
		s.text(&id)
	}
	*to = keydef.UserID(id)
	return true
}

func (s scan) sender(e *receivedEvent) bool {
	sender := &e.Event.Sender
	return s.members(func(name string) bool {
		switch name {
		case "sender_id":
			return s.userID(&sender.ID)
		case "sender_type":
			return s.text(&sender.Type)
		}
		return false
	})
}

func (s scan) message(e *receivedEvent) bool {
	message := &e.Event.Message
	return s.members(func(name string) bool {
		switch name {
		case "message_id":
			return s.text(&message.MessageID)
		case "root_id":
			return s.text(&message.RootID)
		case "parent_id":
			return s.text(&message.ParentID)
		case "thread_id":
			return s.text(&message.ThreadID)
		case "chat_id":
			return s.text(&message.ChatID)
		case "chat_type":
			return s.text(&message.ChatType)
		case "message_type":
			return s.text(&message.MessageType)
		case "create_time":
			return s.text(&message.CreateTime)
		case "content":
			return s.text(&message.Content)
		case "mentions":
			s.Array(func() { message.Mentions = append(message.Mentions, s.mention()) })
			return true
		}
		return false
	})
}

func (s scan) mention() (m mention) {
	s.members(func(name string) bool {
		switch name {
		case "key":
			return s.text(&m.Key)
		case "id":
			return s.userID(&m.ID)
		case "mentioned_type":
			return s.text(&m.Type)
		case "name":
			return s.text(&m.Name)
		}
		return false
	})
	return m
}
