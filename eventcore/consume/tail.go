package consume

import (
	"context"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// Bounds of the events that the waiting reads of some types keep for those among them that are a little behind.
const (
	maxTailEvents = 128
	maxTailBytes  = 512 << 10
)

// tails are the waits of one link, by the event types they wait for.
type tails struct {
	mu      sync.Mutex
	byTypes map[string]*tail
}

// tail is what the waiting reads of the same event types share: those at the same position have one request under way
// among them, and an event is decoded once for all. It lives as long as there are any.
//
// A read that does not wait has no part in it: only the answer to a request of its own is sure to have all that was
// durable when it began.
type tail struct {
	link    *link
	types   []string
	readers int // guarded by the tails' mu

	mu      sync.Mutex
	flights map[eventcore.Position]*flight
	// items are all events of the types between floor and next; what else was known of the journal then.
	items       []*item
	bytes       int
	floor, next eventcore.Position
	head        eventcore.Position
	more        bool
}

// flight is one request under way, by the position it reads from. What it came to is to be read after done.
type flight struct {
	done  chan struct{}
	batch *batch
	err   error // of the bus; both are nil if whoever made the request gave it up
}

// enter returns the tail of these types, to be left again.
func (t *tails) enter(l *link, types []string) (shared *tail, leave func()) {
	types = slices.Sorted(slices.Values(types))
	name := strings.Join(types, " ")
	t.mu.Lock()
	defer t.mu.Unlock()
	shared = t.byTypes[name]
	if shared == nil {
		shared = &tail{link: l, types: types, flights: map[eventcore.Position]*flight{}}
		t.byTypes[name] = shared
	}
	shared.readers++
	return shared, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if shared.readers--; shared.readers == 0 {
			delete(t.byTypes, name)
		}
	}
}

// read returns up to limit events after a position. If there is none it waits for one until the deadline.
func (t *tail) read(ctx context.Context, after eventcore.Position, limit int, deadline time.Time) (*batch, error) {
	wait := time.NewTimer(time.Until(deadline))
	defer wait.Stop()
	for {
		t.mu.Lock()
		if known := t.known(after, limit); known != nil {
			t.mu.Unlock()
			return known, nil
		}
		under := t.flights[after]
		if under == nil {
			under = &flight{done: make(chan struct{})}
			t.flights[after] = under
			t.mu.Unlock()
			return t.lead(ctx, under, after, limit, time.Until(deadline))
		}
		t.mu.Unlock()
		select {
		case <-under.done:
			if under.batch != nil || under.err != nil {
				return under.batch.first(limit), under.err
			}
		case <-wait.C:
			// The other's wait goes on. How far the bus has looked by now is to be known all the same.
			return t.link.fetch(ctx, after, t.types, Limit{Events: limit}.clamped(), 0)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// lead makes the request of a flight.
func (t *tail) lead(ctx context.Context, own *flight, after eventcore.Position, limit int, wait time.Duration) (*batch, error) {
	found, err := t.link.fetch(ctx, after, t.types, Limit{Events: limit}.clamped(), wait)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.flights, after)
	defer close(own.done)
	if ctx.Err() != nil && err != nil {
		return nil, err // the others make a request of their own
	}
	own.batch, own.err = found, err
	if err == nil {
		found.share()
		t.keep(after, found)
	}
	return found, err
}

// known returns the events after a position if they are here. That is sure only of a full page, or while a request
// waits for what comes next. t.mu must be held.
func (t *tail) known(after eventcore.Position, limit int) *batch {
	if after < t.floor || after >= t.next {
		return nil
	}
	from := sort.Search(len(t.items), func(i int) bool { return t.items[i].position > after })
	if t.flights[t.next] == nil && len(t.items)-from < limit {
		return nil
	}
	all := &batch{items: t.items[from:len(t.items):len(t.items)], next: t.next, head: t.head, more: t.more}
	return all.first(limit)
}

// keep adds what was read from a position on. t.mu must be held.
func (t *tail) keep(after eventcore.Position, found *batch) {
	if found.gap || found.next <= t.next {
		return
	}
	if after != t.next {
		t.items, t.bytes, t.floor = nil, 0, after
	}
	for _, one := range found.items {
		t.bytes += len(one.raw.Payload)
	}
	t.items = append(t.items, found.items...)
	t.next, t.head, t.more = found.next, found.head, found.more
	drop := 0
	for ; len(t.items)-drop > maxTailEvents || t.bytes > maxTailBytes; drop++ {
		t.bytes -= len(t.items[drop].raw.Payload)
		t.floor = t.items[drop].position
	}
	if drop > 0 {
		t.items = slices.Clone(t.items[drop:]) // the array is that of batches given out, which stay as they are
	}
}

// fetch asks the bus for events.
func (l *link) fetch(ctx context.Context, after eventcore.Position, types []string, limit Limit, wait time.Duration) (*batch, error) {
	answer, err := l.call(ctx, protocol.Request{Fetch: &protocol.Fetch{
		After: after, Types: types, Max: limit.Events, MaxBytes: limit.Bytes, WaitMS: max(wait, 0).Milliseconds(),
	}})
	if err != nil {
		return nil, err
	}
	return decodeBatch(answer.Batch)
}
