package mcp

import (
	"encoding/json"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// eventView is an event as a client sees it, in polls, resources and log messages alike.
type eventView struct {
	SubscriptionID string           `json:"subscription_id"`
	EventID        string           `json:"event_id"`
	Key            string           `json:"key"`
	EventType      string           `json:"event_type"`
	Time           string           `json:"time"`
	Cursor         string           `json:"cursor"`
	Data           json.RawMessage  `json:"data"`
	Error          *eventcore.Error `json:"error,omitempty"`
}

func viewEvent(event consume.Event) eventView {
	return eventView{
		SubscriptionID: event.Subscription.ID, EventID: event.EventID, Key: event.Subscription.Key.Key,
		EventType: event.EventType, Time: formatTime(event.Time), Cursor: event.Cursor.String(),
		Data: eventData(event), Error: event.Err,
	}
}

// eventData returns an event's data as JSON in any case.
func eventData(event consume.Event) json.RawMessage {
	switch data := event.Data; {
	case len(data) == 0:
		return json.RawMessage("null")
	case !json.Valid(data):
		// It must not cost the page, so it goes out as a string.
		return json.RawMessage(quoted(string(data)))
	default:
		return data
	}
}

func viewEvents(events []consume.Event) []eventView {
	views := make([]eventView, len(events))
	for i, event := range events {
		views[i] = viewEvent(event)
	}
	return views
}

// formatTime returns a time as RFC 3339 in UTC, with milliseconds, which is what the platform gives.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
