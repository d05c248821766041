package consume_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// sendMany delivers the events from to to, some at a time, as a source does.
func sendMany(t *testing.T, b *testutil.RunningBus, from, to int, eventType string) {
	t.Helper()
	const some = 1000
	for n := from; n <= to; n += some {
		b.Source.Send(t, testutil.Events(n, min(n+some-1, to), eventType)...)
	}
}

// heap returns the bytes of the heap that are in use, after a collection.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestFaultAConsumerThatDoesNotReadForLong(t *testing.T) {
	// What the bus keeps of recent events, encoded, and of the ids of all retained ones; everything else is on the disk.
	const recent, idBytes = 32 << 20, 48
	b := startBus(t, func(o *bus.Options) { o.Retention = journal.Retention{Age: time.Hour, Bytes: 1 << 40} })
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.away", EventType: "t.away"})})
	events := testutil.Faults(t, 12_000, 1_000_000)
	before := heap()
	sendMany(t, b, 1, events, "t.away")
	grown, bound := int64(heap())-int64(before), int64(recent+idBytes*events)
	if grown > bound {
		t.Errorf("the heap grew by %d bytes while %d events waited, want at most %d", grown, events, bound)
	}
	from, n := at(sub), 0
	for n < events {
		page := read(t, c, from, consume.MaxPage, 0)
		for _, e := range page.Events {
			if n++; e.EventID != fmt.Sprintf("ev-%06d", n) {
				t.Fatalf("event %d is %s", n, e.EventID)
			}
		}
		if len(page.Events) == 0 || page.Truncated {
			t.Fatalf("after %d events of %d: %+v", n, events, page)
		}
		from[0].Cursor = page.Next[0]
	}
	if rest := read(t, c, from, consume.MaxPage, 0); len(rest.Events) != 0 || rest.Truncated {
		t.Errorf("after all events: %+v", rest)
	}
	t.Logf("%d events acknowledged and read once, in order; the heap grew by %d KiB meanwhile", n, grown>>10)
}

// Each time, some of the events are removed before they are read.
func TestFaultRetentionOvertakesAConsumer(t *testing.T) {
	const sent, readOf, eventBytes = 500, 100, 250
	app := testutil.Home(t).App("cli_test")
	start := func() *testutil.RunningBus {
		return testutil.StartBus(t, app, func(o *bus.Options) {
			o.Retention = journal.Retention{Age: time.Hour, Bytes: 300 * eventBytes}
		})
	}
	b := start()
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.old", EventType: "t.old"})})
	from, last, skipped, truncated := at(sub), 0, 0, 0
	next := func(limit int) int {
		t.Helper()
		page := read(t, c, from, limit, 0)
		for i, e := range page.Events {
			var n int
			fmt.Sscanf(e.EventID, "ev-%d", &n)
			if told := i == 0 && page.Truncated; told != (n != last+1) {
				t.Fatalf("after event %d came %d, truncated: %v", last, n, page.Truncated)
			}
			skipped += n - last - 1
			last = n
		}
		if page.Truncated {
			truncated++
		}
		from[0].Cursor = page.Next[0]
		return len(page.Events)
	}
	rounds := testutil.Faults(t, 3, 200)
	for round := range rounds {
		before := truncated // a bus that is slow to start may trim only while it is sent and read from
		sendMany(t, b, round*sent+1, (round+1)*sent, "t.old")
		for n := 0; n < readOf; {
			n += next(20)
		}
		b.Stop()
		b = start() // a bus trims its journal at once
		for trimmed := false; !trimmed; {
			status, err := c.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			trimmed = status.Journal.Bytes <= 300*eventBytes
		}
		if next(20) == 0 || truncated == before {
			t.Fatalf("round %d: up to event %d, no page said that events before it were removed", round, last)
		}
	}
	for next(consume.MaxPage) > 0 {
	}
	if last != rounds*sent {
		t.Errorf("read up to event %d of %d, %d pages said that some were gone in %d rounds", last, rounds*sent, truncated, rounds)
	}
	t.Logf("%d events acknowledged, %d read in order, %d removed before, told of %d times", rounds*sent, last-skipped, skipped, truncated)
}
