package larksim

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Delivery says how an event is put on the wire. The zero value is the usual way.
type Delivery struct {
	// Card sends a card callback's frame type instead of an event's.
	Card bool
	// ChunkSize splits the body, in bytes; 0 for the platform's own.
	ChunkSize int
	// Reverse sends the chunks last to first, Twice each of them twice.
	Reverse bool
	Twice   bool
	// Omit leaves out the last chunk, at the first attempt only.
	Omit bool
}

// arrange puts the chunk numbers in the order in which they are sent.
func (d Delivery) arrange(order []int, attempt int) []int {
	if d.Omit && attempt == 1 && len(order) > 1 {
		order = order[:len(order)-1]
	}
	if d.Reverse {
		slices.Reverse(order)
	}
	if d.Twice {
		order = append(order, order...)
		slices.Sort(order)
	}
	return order
}

// Outcome is how the delivery of an event ended.
type Outcome struct {
	Acknowledged bool
	Attempts     int
	// Codes are the codes of the answers, one for each attempt; 0 where none came or nobody was connected.
	Codes []int
	// Took is the time from the first attempt to the end.
	Took time.Duration
}

// Receipt is for waiting until an event is acknowledged or given up.
type Receipt struct {
	// EventID is the event's id; empty for a body that was sent as it was.
	EventID string

	done    chan struct{}
	outcome Outcome
}

// Done is closed when the delivery has ended.
func (r *Receipt) Done() <-chan struct{} { return r.done }

// Wait blocks until the delivery has ended, or returns ctx's error.
func (r *Receipt) Wait(ctx context.Context) (Outcome, error) {
	select {
	case <-r.done:
		return r.outcome, nil
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("wait for event %s: %w", r.EventID, ctx.Err())
	}
}

// Send sends an event to one connection at random, and again after each pause of [Options].Redelivery until it is
// acknowledged.
func (p *Platform) Send(event Event) *Receipt {
	return p.SendAs(event, Delivery{Card: event.Type == CardAction})
}

// SendAs is Send with a say in how the event is put on the wire.
func (p *Platform) SendAs(event Event, how Delivery) *Receipt {
	if event.ID == "" {
		event.ID = newID()
	}
	receipt := p.SendBody(p.envelope(event), how)
	receipt.EventID = event.ID
	return receipt
}

// SendBody is Send for a body that is sent as it is, event or not.
func (p *Platform) SendBody(body []byte, how Delivery) *Receipt {
	receipt := &Receipt{done: make(chan struct{})}
	p.accept(&message{body: body, how: how, settled: func(o Outcome) {
		receipt.outcome = o
		close(receipt.done)
	}})
	return receipt
}

// Load is what came of [Platform.SendAll].
type Load struct {
	Acknowledged int
	GaveUp       int
	Elapsed      time.Duration
	// Took has, for each acknowledged event, the time from its first attempt to its acknowledgement.
	Took []time.Duration
}

// SendAll sends every body with at most inFlight of them unsettled at once, and returns when all are settled or ctx
// ends, then with ctx's error. It starts no goroutine per event.
func (p *Platform) SendAll(ctx context.Context, bodies iter.Seq[[]byte], inFlight int) (Load, error) {
	var load Load
	began := time.Now()
	slots := make(chan struct{}, max(inFlight, 1))
	settled := func(o Outcome) {
		if o.Acknowledged {
			load.Acknowledged++
			load.Took = append(load.Took, o.Took)
		} else {
			load.GaveUp++
		}
		<-slots
	}
	take := func() error {
		select {
		case slots <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for body := range bodies {
		if err := take(); err != nil {
			return Load{}, err
		}
		p.accept(&message{body: body, settled: settled})
	}
	for range cap(slots) {
		if err := take(); err != nil {
			return Load{}, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	load.Elapsed = time.Since(began)
	return load, nil
}
