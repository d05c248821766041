package bus

import (
	"context"
	"errors"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// bound brings what a fetch asks for within what a batch may have.
func bound(f *protocol.Fetch) {
	f.Max = min(max(f.Max, 1), protocol.MaxBatchEvents)
	if f.MaxBytes <= 0 || f.MaxBytes > protocol.MaxBatchBytes {
		f.MaxBytes = protocol.MaxBatchBytes
	}
}

// fetchRecent answers a fetch for which there are events in memory, and reports whether it did: under load nearly all are
// such, and waiting for nothing they need no goroutine. What is answered before the next request is read counts towards no
// bound of those under way, and cannot meet its own id among them. A consumer that does not read its answers stops what it
// sends behind, a cancel or a release too, until it reads on or its connection ends, which releases what it held.
func (c *conn) fetchRecent(id uint64, f *protocol.Fetch) bool {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	batch, lines, ok := c.bus.recent.read(f)
	if ok = ok && len(lines) > 0; ok {
		c.write(id, batch, lines)
	}
	return ok
}

// fetch answers with the events after a position: at once if there are any, else as soon as one is durable, the
// wait is over, or the request is cancelled.
func (c *conn) fetch(ctx context.Context, id uint64, f *protocol.Fetch) {
	wait := time.NewTimer(min(max(time.Duration(f.WaitMS)*time.Millisecond, 0), protocol.MaxWait))
	defer wait.Stop()
	// Waiting begins before the first look, so that no event falls between the two.
	waiter := c.bus.waiters.add(f.Types)
	defer c.bus.waiters.remove(waiter)
	for {
		looked, answered := c.answerFetch(ctx, id, f)
		if answered {
			return
		}
		if !waitFor(ctx, waiter, wait) {
			c.write(id, looked, nil)
			return
		}
		f.After = looked.Next
	}
}

// answerFetch answers unless there is nothing yet to answer with; looked says then how far it looked.
func (c *conn) answerFetch(ctx context.Context, id uint64, f *protocol.Fetch) (looked protocol.Batch, answered bool) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	batch, lines, err := c.bus.read(ctx, f)
	switch {
	case err != nil && ctx.Err() == nil:
		c.reply(protocol.Response{ID: id, Error: eventcore.AsError(err)})
	case err != nil: // cancelled: nothing was looked at
		c.write(id, protocol.Batch{Next: f.After, Head: c.bus.recent.headPosition()}, nil)
	case len(lines) == 0 && !batch.Gap:
		return batch, false
	default:
		c.write(id, batch, lines)
	}
	return batch, true
}

func (c *conn) write(id uint64, batch protocol.Batch, lines [][]byte) {
	if c.out.WriteBatch(id, batch, lines) != nil {
		c.net.Close()
	}
}

// waitFor returns true when there may be something to read, false when the wait is over.
func waitFor(ctx context.Context, waiter *waiter, wait *time.Timer) bool {
	select {
	case <-waiter.C:
		return true
	case <-wait.C:
		return false
	case <-ctx.Done():
		return false
	}
}

// read looks for events without waiting: in memory, or in the journal if the position lies further back.
//
// A position behind the head was never given out by this journal as it is now (an older copy of it was put back,
// say); it is read like one that has left the journal, from the oldest event on.
func (b *Bus) read(ctx context.Context, f *protocol.Fetch) (protocol.Batch, [][]byte, error) {
	head, err := b.journal.Head(ctx)
	if err != nil {
		return protocol.Batch{}, nil, err
	}
	if f.After > head {
		batch, lines, err := b.readRetained(ctx, &protocol.Fetch{Types: f.Types, Max: f.Max, MaxBytes: f.MaxBytes})
		batch.Gap = true
		return batch, lines, err
	}
	return b.readRetained(ctx, f)
}

func (b *Bus) readRetained(ctx context.Context, f *protocol.Fetch) (protocol.Batch, [][]byte, error) {
	if batch, lines, ok := b.recent.read(f); ok {
		return batch, lines, nil
	}
	read, err := b.journal.Read(ctx, journal.Query{After: f.After, Types: f.Types, Limit: f.Max, Bytes: f.MaxBytes})
	if err != nil {
		b.noteUnreadable(err)
		return protocol.Batch{}, nil, err
	}
	batch := protocol.Batch{Next: read.Next, Head: max(read.Next, b.recent.headPosition()), More: read.More, Gap: read.Gap}
	lines := make([][]byte, 0, len(read.Records))
	for _, r := range read.Records {
		if len(r.Event) > protocol.MaxEventBytes {
			// Earlier versions stored such events. It is passed over, so that what lies behind it can be read.
			b.log.Error("an event of the journal is too large to be read", "position", r.Position, "bytes", len(r.Event))
			batch.Gap = true
			continue
		}
		lines = append(lines, protocol.AppendItem(make([]byte, 0, len(r.Event)+48), r.Position, r.Event))
	}
	return batch, lines, nil
}

// noteUnreadable remembers, for the status, that the journal needs mending. Reads elsewhere in it may still succeed, so
// that only another bus, with another journal, forgets it.
func (b *Bus) noteUnreadable(err error) {
	var e *eventcore.Error
	if errors.As(err, &e) && b.unreadable.CompareAndSwap(nil, e) {
		b.log.Error("the journal cannot be read", "error", err)
	}
}
