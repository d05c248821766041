package mcp

import (
	"encoding/json"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// errorMetaKey marks, in an occurrence's _meta, an event whose lookups failed: data is what is known of it, or the event
// as it came, and the value says what is missing.
const errorMetaKey = "io.github.larkevents/error"

// occurrence is an event as the extension has it. Only pushed ones carry a cursor, the position after them.
type occurrence struct {
	EventID   string          `json:"eventId"`
	Name      string          `json:"name"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
	Cursor    string          `json:"cursor,omitempty"`
	Meta      map[string]any  `json:"_meta,omitempty"`
}

func newOccurrence(event consume.Event) occurrence {
	return occurrence{
		EventID: event.EventID, Name: event.Subscription.Key.Key, Timestamp: formatTime(event.Time),
		Data: eventData(event), Meta: errorMeta(event.Err),
	}
}

func errorMeta(err *eventcore.Error) map[string]any {
	if err == nil {
		return nil
	}
	return map[string]any{errorMetaKey: err}
}

// pushed returns the occurrence as the stream of request id tells of it.
func pushed(event consume.Event, id json.RawMessage) occurrence {
	told := newOccurrence(event)
	told.Cursor = event.Cursor.String()
	if told.Meta == nil {
		told.Meta = map[string]any{}
	}
	told.Meta[mcpgo.MetaKeySubscriptionID] = id
	return told
}
