package bus

import (
	"log/slog"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

func TestThatEventsCannotBeStoredIsToldWithEveryStateUntilTheyCan(t *testing.T) {
	log := newFlakyJournal(t)
	b := newBus(Options{Logger: slog.New(slog.DiscardHandler)}, log, &scopes{})
	done := make(chan outcome, 10)
	told := 0
	state, changed := b.source.get()
	look := func() source.State {
		select {
		case <-changed:
			told++
			state, changed = b.source.get()
		default:
		}
		return state
	}
	log.full = true
	for range 3 {
		b.ingest.store([]source.Event{event("a", done), event("b", done)})
		look()
	}
	if state.Unstored == "" || told != 1 {
		t.Errorf("after three failures, told %d times of %+v; want once, with the reason", told, state)
	}
	b.source.set(source.State{Phase: source.Reconnecting, Since: time.Now()})
	if state := look(); state.Unstored == "" || state.Phase != source.Reconnecting {
		t.Errorf("a change of the connection is told as %+v", state)
	}
	log.full = false
	for range 2 {
		b.ingest.store([]source.Event{event("a", done)})
	}
	if state := look(); state.Unstored != "" || told != 3 {
		t.Errorf("once there was room, told %d times, at last of %+v", told, state)
	}
}
