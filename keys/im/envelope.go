package im

import (
	"encoding/json"
	"fmt"
)

// receivedEvent is what is read of the envelope of im.message.receive_v1. The SDK's type is not used: it refuses the
// whole event when one member has another type, and a message must not be lost for that.
type receivedEvent struct {
	Event struct {
		Sender struct {
			ID   userID `json:"sender_id"`
			Type loose  `json:"sender_type"`
		} `json:"sender"`
		Message struct {
			MessageID   loose     `json:"message_id"`
			RootID      loose     `json:"root_id"`
			ParentID    loose     `json:"parent_id"`
			ThreadID    loose     `json:"thread_id"`
			ChatID      loose     `json:"chat_id"`
			ChatType    loose     `json:"chat_type"`
			MessageType loose     `json:"message_type"`
			CreateTime  loose     `json:"create_time"`
			Content     loose     `json:"content"`
			Mentions    []mention `json:"mentions"`
		} `json:"message"`
	} `json:"event"`
}

// mention is someone mentioned, as the platform writes it.
type mention struct {
	Key  loose  `json:"key"`
	ID   userID `json:"id"`
	Type loose  `json:"mentioned_type"`
	Name loose  `json:"name"`
}

func parseReceived(payload json.RawMessage) (*receivedEvent, error) {
	var e receivedEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("decode message event: %w", err)
	}
	return &e, nil
}

// userID is a user's ids, an object of them or, as in answers of the API, one open_id.
type userID struct {
	OpenID string
}

func (u *userID) UnmarshalJSON(raw []byte) error {
	var ids struct {
		OpenID loose `json:"open_id"`
	}
	if json.Unmarshal(raw, &ids) == nil {
		u.OpenID = string(ids.OpenID)
		return nil
	}
	var id loose
	if err := json.Unmarshal(raw, &id); err != nil {
		return err
	}
	u.OpenID = string(id)
	return nil
}

// loose is a text that may come as a string or a number; null is empty, and anything else is kept as JSON.
type loose string

func (l *loose) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	*l = loose(s)
	return nil
}
