package testutil

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// Source is a source.Source that a test feeds. It is connected as soon as it runs.
type Source struct {
	// Refuse, if set before Run, is the final refusal that Run returns.
	Refuse *eventcore.Error
	// running hands out the sink of each Run.
	running chan source.Sink
}

// NewSource returns a source for one bus.
func NewSource() *Source { return &Source{running: make(chan source.Sink, 1)} }

// Run implements source.Source.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	if s.Refuse != nil {
		sink.SetState(source.State{Phase: source.Failed, Since: time.Now(), Detail: s.Refuse.Message, Err: s.Refuse})
		return s.Refuse
	}
	sink.SetState(source.State{Phase: source.Connected, Since: time.Now()})
	s.running <- sink
	<-ctx.Done()
	<-s.running
	return ctx.Err()
}

// Sink returns the bus's sink, once the source runs.
func (s *Source) Sink() source.Sink {
	sink := <-s.running
	s.running <- sink
	return sink
}

// Send delivers events and returns when all are acknowledged; a refusal fails the test.
func (s *Source) Send(t testing.TB, events ...eventcore.RawEvent) {
	t.Helper()
	sink := s.Sink()
	acks := make(chan error, len(events))
	for _, event := range events {
		if err := sink.Deliver(t.Context(), source.Event{RawEvent: event, Done: func(err error) { acks <- err }}); err != nil {
			t.Fatalf("deliver %s: %v", event.EventID, err)
		}
	}
	for range events {
		if err := <-acks; err != nil {
			t.Fatalf("an event was refused: %v", err)
		}
	}
}

// Event returns an event in a V2 envelope whose event member is {"n": n}.
func Event(n int, eventType string) eventcore.RawEvent {
	id := fmt.Sprintf("ev-%06d", n)
	payload := fmt.Sprintf(`{"schema":"2.0","header":{"event_id":%q,"event_type":%q,"create_time":"1700000000000"},"event":{"n":%d}}`,
		id, eventType, n)
	return eventcore.RawEvent{
		EventID: id, EventType: eventType, SourceTime: "1700000000000", Payload: json.RawMessage(payload), Timestamp: time.Now(),
	}
}

// Events returns the events from to to, both included.
func Events(from, to int, eventType string) []eventcore.RawEvent {
	var events []eventcore.RawEvent
	for n := from; n <= to; n++ {
		events = append(events, Event(n, eventType))
	}
	return events
}
