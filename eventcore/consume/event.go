package consume

import (
	"encoding/json"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// Event is one event as a subscriber gets it.
type Event struct {
	Subscription *Subscription
	EventID      string
	EventType    string
	// Time is when the platform created the event, or when it arrived if the platform did not say.
	Time time.Time
	// Received is when it arrived, by the clock of the bus's machine.
	Received time.Time
	// Cursor is the position after this event.
	Cursor eventcore.Cursor
	// Data is what the payload schema describes. With Err set it is what is known of that, or the raw payload if
	// Process could make nothing of the event.
	Data json.RawMessage
	// Raw is the event's envelope as it is journaled, without the verification token.
	Raw json.RawMessage
	// Err says that Process or the filter failed. It never means that the event is lost.
	Err *eventcore.Error
}

// At is a subscription and where to read it.
type At struct {
	Subscription *Subscription
	Cursor       eventcore.Cursor
}

// Page is the result of one read.
type Page struct {
	// Events are in journal order; an event that several subscriptions match is there once for each.
	Events []Event
	// Next says, for each [At] of the read and in its order, where the next read begins.
	Next []eventcore.Cursor
	// Filtered counts, likewise, the events that a hook or the filter dropped.
	Filtered []int
	// HasMore means that another read would return more at once.
	HasMore bool
	// Truncated means that events between a cursor and the first event here are no longer retained, or that a
	// cursor was of another journal; the page begins at the oldest retained event.
	Truncated bool
	// Source is the state of the connection to the platform.
	Source source.State
}
