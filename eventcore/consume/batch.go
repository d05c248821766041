package consume

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
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

	// What the subscriptions make of an event that several reads share; outcomes is nil of one that they do not.
	mu       sync.Mutex
	outcomes map[*Subscription]*outcome
}

// outcome is what a subscription makes of an event. What it is, is to be read after done.
type outcome struct {
	done  chan struct{}
	event *Event // nil: dropped
	cut   bool   // whoever made it gave up
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
		one.outcomes = map[*Subscription]*outcome{}
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
	if i.outcomes == nil {
		return produce()
	}
	for {
		i.mu.Lock()
		under := i.outcomes[sub]
		if under == nil {
			under = &outcome{done: make(chan struct{})}
			i.outcomes[sub] = under
			i.mu.Unlock()
			return i.settle(ctx, sub, under, produce)
		}
		i.mu.Unlock()
		select {
		case <-under.done:
			if !under.cut {
				return under.event
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// settle makes an outcome that others wait for.
func (i *item) settle(ctx context.Context, sub *Subscription, own *outcome, produce func() *Event) *Event {
	own.event = produce()
	own.cut = ctx.Err() != nil
	if own.cut || own.event != nil && own.event.Err != nil {
		i.mu.Lock()
		delete(i.outcomes, sub)
		i.mu.Unlock()
	}
	close(own.done)
	return own.event
}
