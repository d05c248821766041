package consume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// What subscriptions made of an event is kept, while the event is, up to the larger of so many bytes and a multiple of
// the event's payload. So it is bounded as the events of a [tail] are.
const (
	minOutcomes        = 16 << 10
	outcomesPerPayload = 4
	outcomeBytes       = 128 // beside the data
)

// batch is a [protocol.Batch] with its events decoded.
type batch struct {
	items      []*item
	next, head eventcore.Position
	more, gap  bool
}

// item is one event of a batch, and the position behind it.
type item struct {
	position eventcore.Position
	raw      *eventcore.RawEvent

	// shared means that several reads have the event, and what the few subscriptions make of it.
	shared   bool
	mu       sync.Mutex
	outcomes []*outcome
}

// outcome is what a subscription makes of an event. It is guarded by the item's mu until it is settled.
type outcome struct {
	sub     *Subscription
	settled bool
	done    chan struct{} // closed when it is settled; nil until somebody waits, which is rare
	event   *Event        // nil: dropped
	cut     bool          // whoever made it gave up
}

func decodeBatch(answer *protocol.Batch) (*batch, error) {
	if answer == nil {
		return nil, errors.New("the bus answered a fetch without a batch")
	}
	b := &batch{next: answer.Next, head: answer.Head, more: answer.More, gap: answer.Gap, items: make([]*item, len(answer.Events))}
	for i, one := range answer.Events {
		raw, err := protocol.DecodeEvent(one.Event)
		if err != nil {
			return nil, fmt.Errorf("the bus sent an event that cannot be read: %w", err)
		}
		raw.ShareDecoding()
		b.items[i] = &item{position: one.Position, raw: raw}
	}
	return b, nil
}

// share prepares the events for several reads.
func (b *batch) share() {
	for _, one := range b.items {
		one.shared = true
	}
}

// first returns the batch as it is with at most so many events.
func (b *batch) first(limit int) *batch {
	if b == nil || len(b.items) <= limit {
		return b
	}
	cut := *b
	cut.items, cut.more = b.items[:limit], true
	cut.next = cut.items[limit-1].position
	return &cut
}

// outcome returns what produce makes of the event for a subscription, or what it made of it for another read. An event that
// something failed on is not kept: whoever reads it again has it tried again. It is nil if ctx ends meanwhile.
func (i *item) outcome(ctx context.Context, sub *Subscription, produce func() *Event) *Event {
	if !i.shared {
		return produce()
	}
	for {
		i.mu.Lock()
		at := slices.IndexFunc(i.outcomes, func(o *outcome) bool { return o.sub == sub })
		if at < 0 {
			own := &outcome{sub: sub}
			i.outcomes = append(i.outcomes, own)
			i.mu.Unlock()
			return i.settle(ctx, own, produce)
		}
		under := i.outcomes[at]
		if !under.settled && under.done == nil {
			under.done = make(chan struct{})
		}
		settled, done := under.settled, under.done
		i.mu.Unlock()
		if !settled {
			select {
			case <-done:
			case <-ctx.Done():
				return nil
			}
		}
		if !under.cut {
			return under.event
		}
	}
}

// settle makes an outcome that others may wait for.
func (i *item) settle(ctx context.Context, own *outcome, produce func() *Event) *Event {
	event := produce()
	i.mu.Lock()
	defer i.mu.Unlock()
	own.event, own.cut, own.settled = event, ctx.Err() != nil, true
	if own.cut || event != nil && event.Err != nil {
		i.outcomes = slices.DeleteFunc(i.outcomes, func(o *outcome) bool { return o == own })
	}
	if own.done != nil {
		close(own.done)
	}
	i.forget()
	return event
}

// forget drops the oldest outcomes beyond the bound, also those that are under way; whoever needs one makes it again.
// i.mu must be held.
func (i *item) forget() {
	bytes := 0
	for n, one := range slices.Backward(i.outcomes) {
		bytes += outcomeBytes
		if one.event != nil && one.sub.Key.Process != nil { // otherwise its data is the event's own
			bytes += len(one.event.Data)
		}
		if bytes > max(minOutcomes, outcomesPerPayload*len(i.raw.Payload)) {
			i.outcomes = slices.Delete(i.outcomes, 0, n+1)
			return
		}
	}
}
