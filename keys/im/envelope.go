package im

import (
	"encoding/json"
	"fmt"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// receivedEvent is what is read of the envelope of im.message.receive_v1. The SDK's type is not used: it refuses the
// whole event when one member has another type, and a message must not be lost for that.
type receivedEvent struct {
	Event struct {
		Sender struct {
			ID   keydef.UserID `json:"sender_id"`
			Type keydef.Text   `json:"sender_type"`
		} `json:"sender"`
		Message struct {
			MessageID   keydef.Text `json:"message_id"`
			RootID      keydef.Text `json:"root_id"`
			ParentID    keydef.Text `json:"parent_id"`
			ThreadID    keydef.Text `json:"thread_id"`
			ChatID      keydef.Text `json:"chat_id"`
			ChatType    keydef.Text `json:"chat_type"`
			MessageType keydef.Text `json:"message_type"`
			CreateTime  keydef.Text `json:"create_time"`
			Content     keydef.Text `json:"content"`
			Mentions    []mention   `json:"mentions"`
		} `json:"message"`
	} `json:"event"`
}

// mention is someone mentioned, as the platform writes it.
type mention struct {
	Key  keydef.Text   `json:"key"`
	ID   keydef.UserID `json:"id"`
	Type keydef.Text   `json:"mentioned_type"`
	Name keydef.Text   `json:"name"`
}

// parseReceived returns what others get as well: it must not be changed.
func parseReceived(raw *eventcore.RawEvent) (*receivedEvent, error) {
	return eventcore.Decoded(raw, func() (*receivedEvent, error) {
		if e, ok := scanReceived(raw.Payload); ok && e.Event.Message.MessageID != "" {
			return e, nil
		}
		return decodeReceived(raw.Payload)
	})
}

func decodeReceived(payload json.RawMessage) (*receivedEvent, error) {
	var e receivedEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("decode message event: %w", err)
	}
	return &e, nil
}
