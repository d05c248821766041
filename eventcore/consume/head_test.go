package consume_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// What is read for one who waits tells where the journal ended then. Meanwhile others may have read on.
func TestFaultACursorNewerThanWhatReadersShareIsNotTakenForOneOfAnotherJournal(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	one := subscribe(t, c, consume.Request{Key: key})
	two := subscribe(t, c, consume.Request{Key: key, Filter: `.n != "never"`})
	ctx, cancel := context.WithCancel(t.Context())
	var pushing sync.WaitGroup
	defer pushing.Wait()
	defer cancel()
	got := make(chan eventcore.Cursor, 1)
	for _, sub := range []*consume.Subscription{one, two} { // as push reads
		pushing.Go(func() {
			for from := at(sub); ; {
				page, err := c.Read(ctx, from, consume.Limit{Events: 10}, time.Hour)
				if err != nil {
					return
				}
				from[0].Cursor = page.Next[0]
				if sub == one {
					got <- from[0].Cursor
				}
			}
		})
	}
	behind, last := one.Start, 0
	for range testutil.Faults(t, 30, 3000) {
		b.Source.Send(t, testutil.Event(last+1, "t.a"))
		pushed := <-got
		b.Source.Send(t, testutil.Event(last+2, "t.other"))
		last += 2
		to := consume.At{Subscription: two, Cursor: pushed}
		to.Cursor = read(t, c, []consume.At{to}, 10, 0).Next[0]
		page := read(t, c, []consume.At{{Subscription: one, Cursor: behind}, to}, 10, time.Hour)
		if len(page.Events) != 1 || page.Events[0].Subscription != one || page.Truncated {
			t.Fatalf("from %v and %v: %v, truncated %t; want one event of the first", behind, to.Cursor, ids(page), page.Truncated)
		}
		behind = page.Next[0]
	}
}
