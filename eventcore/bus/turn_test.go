package bus

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// countedJournal counts the reads of its two events.
type countedJournal struct {
	journal.Journal
	reads atomic.Int64
}

func (c *countedJournal) Head(context.Context) (eventcore.Position, error) { return 2, nil }

func (c *countedJournal) Read(context.Context, journal.Query) (journal.Batch, error) {
	c.reads.Add(1)
	return journal.Batch{Records: []journal.Record{{Position: 1, Event: []byte(`{}`)}, {Position: 2, Event: []byte(`{}`)}}, Next: 2}, nil
}

// A batch has up to 8 MiB, and a consumer may ask for 256 at once.
func TestAConsumerThatDoesNotReadItsAnswersIsHeldOneBatch(t *testing.T) {
	log := &countedJournal{}
	b := &Bus{log: slog.New(slog.DiscardHandler), recent: newRecent(), waiters: newWaiters(), journal: log}
	b.recent.start(2) // so that what lies before is read from the journal
	ours, theirs := net.Pipe()
	defer ours.Close()
	c := &conn{bus: b, net: ours, out: protocol.NewWriter(ours), turn: make(chan struct{}, 1)}
	var asked sync.WaitGroup
	defer asked.Wait()
	defer theirs.Close()
	for id := range protocol.MaxPending {
		asked.Go(func() { c.fetch(t.Context(), uint64(id+1), fetchOf(0)) })
	}
	in := protocol.NewReader(theirs, protocol.MaxResponseLine)
	for taken := range protocol.MaxPending {
		if reads := log.reads.Load(); reads > int64(taken+1) {
			t.Fatalf("%d batches were read when %d had been taken", reads, taken)
		}
		var answer protocol.Response
		if err := in.Read(&answer); err != nil || answer.Batch == nil || len(answer.Batch.Events) != 2 {
			t.Fatalf("answer %d is %+v, %v", taken, answer, err)
		}
	}
}
