package mcp

import (
	"cmp"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
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
	// delivered are those that are shown, once for each of their subscriptions.
	delivered []consume.Event
	// taken has all of them by event id, with nil for those that are not shown.
	taken map[string]*channelEvent
	// subscriptions and keys are those that the events belong to, in the order in which they came.
	subscriptions, keys []string
	shares              map[*consume.Subscription]*share
}

// share is what a burst has of one subscription.
type share struct {
	withheld int              // events that nobody on the lists caused
	whole    eventcore.Cursor // the last event up to which all are shown; zero if there is none
	last     eventcore.Cursor // the last event that is not shown; zero if all are
}

func newBurst(allowed allowList, told *recent) *burst {
	return &burst{
		allowed: allowed, told: told,
		taken: map[string]*channelEvent{}, shares: map[*consume.Subscription]*share{},
	}
}

func (b *burst) share(sub *consume.Subscription) *share {
	if b.shares[sub] == nil {
		b.shares[sub] = &share{}
	}
	return b.shares[sub]
}

// pass goes on behind an event.
func (s *share) pass(event consume.Event, shown bool) {
	switch {
	case !shown:
		s.last = event.Cursor
	case s.last == (eventcore.Cursor{}):
		s.whole = event.Cursor
	}
}

// skipped returns the gap that the message leaves in what was read from the cursor on.
func (s *share) skipped(from eventcore.Cursor) gap {
	if s.last == (eventcore.Cursor{}) {
		return gap{}
	}
	return gap{before: cmp.Or(s.whole, from), last: s.last}
}

// add takes an event unless it was told of before, or may not be. One that is there already, for another
// subscription, stays one event.
func (b *burst) add(event consume.Event) {
	share := b.share(event.Subscription)
	if shown, told := b.told.find(event.EventID); told {
		share.pass(event, shown)
		return
	}
	present, again := b.taken[event.EventID]
	if !again {
		from := originOf(event)
		if !b.allowed.passes(from) {
			share.withheld++
			share.pass(event, false)
			return
		}
		b.count++
		if len(b.shown) < maxShown {
			present = &channelEvent{Event: event, from: from}
			b.shown = append(b.shown, present)
		}
		b.taken[event.EventID] = present
	}
	share.pass(event, present != nil)
	if present != nil {
		b.delivered = append(b.delivered, event)
		present.subscriptions = addOnce(present.subscriptions, event.Subscription.ID)
	}
	b.subscriptions = addOnce(b.subscriptions, event.Subscription.ID)
	b.keys = addOnce(b.keys, event.Subscription.Key.Key)
}

// commit remembers the events, once the client has been told of them.
func (b *burst) commit() {
	for id, event := range b.taken {
		b.told.add(id, event != nil)
	}
}

func addOnce(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

// recent remembers the last limit ids that were added, and whether their events were shown.
type recent struct {
	limit int
	ids   map[string]bool
	order []string // a ring, once it is full
	next  int
}

func newRecent(limit int) *recent { return &recent{limit: limit, ids: map[string]bool{}} }

func (r *recent) find(id string) (shown, told bool) {
	shown, told = r.ids[id]
	return shown, told
}

func (r *recent) add(id string, shown bool) {
	_, told := r.ids[id]
	switch {
	case told:
		return
	case len(r.order) < r.limit:
		r.order = append(r.order, id)
	default:
		delete(r.ids, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % r.limit
	}
	r.ids[id] = shown
}
