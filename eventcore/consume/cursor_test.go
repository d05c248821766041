package consume_test

import (
	"slices"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestOneCursorForSeveralSubscriptionsRepeatsNothing(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	subs := []*consume.Subscription{
		subscribe(t, c, consume.Request{Key: key}), subscribe(t, c, consume.Request{Key: key, Filter: "true"}),
		subscribe(t, c, consume.Request{Key: key, Filter: ".event.n > 2"}),
	}
	b.Source.Send(t, testutil.Events(1, 4, "t.a")...)
	for size := 1; size <= 11; size++ {
		from, got, pages := at(subs...), []string{}, 0
		for more := true; more && pages < 20; pages++ {
			page := read(t, c, from, size, 0)
			got, more = append(got, ids(page)...), page.HasMore
			if len(page.Events) > max(size, 3) {
				t.Errorf("a page of %d has %d events", size, len(page.Events))
			}
			least := slices.MinFunc(page.Next, func(a, b eventcore.Cursor) int { return int(a.After) - int(b.After) })
			for i := range from {
				from[i].Cursor = least
			}
		}
		if want := wantIDs(1, 1, 2, 2, 3, 3, 3, 4, 4, 4); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", size, got, want)
		}
	}
}
