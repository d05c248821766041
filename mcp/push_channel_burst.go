package mcp

import (
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// maxShown is how many events of a merged message are told of one by one.
const maxShown = 5

// maxTold is how many events a session remembers to have told of. It matters only when a journal is read again from its
// beginning, because it was replaced or set back: otherwise the cursors keep an event from being read twice.
const maxTold = 10_000

// burst is what one message tells of.
type burst struct {
	allowed allowList
	told    *recent

	count int
	shown []*channelEvent // the first of them
	// taken has all of them by event id, with nil for those that are not shown.
	taken map[string]*channelEvent
	// subscriptions and keys are those that the events belong to, in the order in which they came.
	subscriptions, keys []string
	// withheld counts, by subscription, the events that nobody on the lists caused.
	withheld map[*consume.Subscription]int
}

func newBurst(allowed allowList, told *recent) *burst {
	return &burst{
		allowed: allowed, told: told,
		taken: map[string]*channelEvent{}, withheld: map[*consume.Subscription]int{},
	}
}

// add takes an event unless it was told of before, or may not be. One that is there already, for another
// subscription, stays one event.
func (b *burst) add(event consume.Event) {
	if b.told.has(event.EventID) {
		return
	}
	present, again := b.taken[event.EventID]
	if !again {
		from := originOf(event)
		if !b.allowed.passes(from) {
			b.withheld[event.Subscription]++
			return
		}
		b.count++
		if len(b.shown) < maxShown {
			present = &channelEvent{Event: event, from: from}
			b.shown = append(b.shown, present)
		}
		b.taken[event.EventID] = present
	}
	if present != nil {
		present.subscriptions = addOnce(present.subscriptions, event.Subscription.ID)
	}
	b.subscriptions = addOnce(b.subscriptions, event.Subscription.ID)
	b.keys = addOnce(b.keys, event.Subscription.Key.Key)
}

// commit remembers the events, once the client has been told of them.
func (b *burst) commit() {
	for id := range b.taken {
		b.told.add(id)
	}
}

func addOnce(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

// recent remembers the last limit ids that were added.
type recent struct {
	limit int
	ids   map[string]bool
	order []string // a ring, once it is full
	next  int
}

func newRecent(limit int) *recent { return &recent{limit: limit, ids: map[string]bool{}} }

func (r *recent) has(id string) bool { return r.ids[id] }

func (r *recent) add(id string) {
	switch {
	case r.ids[id]:
		return
	case len(r.order) < r.limit:
		r.order = append(r.order, id)
	default:
		delete(r.ids, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % r.limit
	}
	r.ids[id] = true
}
