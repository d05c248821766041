package bus

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// largestMessage is the largest message that the long connection takes, in bytes.
const largestMessage = 16 << 20

func TestTheLargestEventOfMarkupIsStoredInItsOwnSize(t *testing.T) {
	log := newFlakyJournal(t)
	in, published := newTestIngest(log)
	done := make(chan outcome, 1)
	large := event("large", done)
	large.Payload = []byte(`{"content":"` + strings.Repeat("<", largestMessage) + `"}`)
	in.store([]source.Event{large})
	if got := <-done; got.err != nil || len(*published) != 1 {
		t.Fatalf("acknowledged with %v, published %d", got.err, len(*published))
	}
	if size := len((*published)[0].line); size > len(large.Payload)+1024 {
		t.Errorf("a payload of %d bytes takes %d", len(large.Payload), size)
	}
}

func TestAnEventThatNoLineHasRoomForIsNotStored(t *testing.T) {
	in, published := newTestIngest(newFlakyJournal(t))
	done := make(chan outcome, 2)
	large := event("large", done)
	large.Payload = []byte(`"` + strings.Repeat("x", protocol.MaxEventBytes) + `"`)
	in.store([]source.Event{large, event("small", done)})
	for range 2 {
		if got := <-done; got.err != nil {
			t.Errorf("%s: %v", got.id, got.err)
		}
	}
	if c := in.counters(); c.Malformed != 1 || c.Journaled != 1 || len(*published) != 1 {
		t.Errorf("%+v, %d published; want one event dropped and one stored", c, len(*published))
	}
}

// storedJournal answers every read with what it holds.
type storedJournal struct {
	journal.Journal
	records []journal.Record
}

func (s storedJournal) Read(context.Context, journal.Query) (journal.Batch, error) {
	return journal.Batch{Records: s.records, Next: s.records[len(s.records)-1].Position}, nil
}

func TestAnEventTooLargeToReadIsPassedOver(t *testing.T) {
	b := &Bus{log: slog.New(slog.DiscardHandler), recent: newRecent(), journal: storedJournal{records: []journal.Record{
		{Position: 1, Type: "t.a", Event: slices.Repeat([]byte(" "), protocol.MaxEventBytes+1)},
		{Position: 2, Type: "t.a", Event: []byte(`{}`)},
	}}}
	b.recent.start(eventcore.Position(2))
	batch, lines, err := b.readRetained(t.Context(), fetchOf(0))
	if err != nil || len(lines) != 1 || string(lines[0]) != `,{"position":2,"event":{}}` || !batch.Gap || batch.Next != 2 {
		t.Errorf("%d lines, %+v, %v; want the second event, and word of the gap", len(lines), batch, err)
	}
}
