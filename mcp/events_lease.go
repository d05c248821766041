package mcp

import (
	"context"
	"fmt"
	"time"
)

const (
	// leaseTime is how long a subscription that was polled stays without another poll.
	leaseTime = 5 * time.Minute
	// maxLeases bounds the polled subscriptions of one principal. Those without a platform side are held only because the
	// next poll is faster then: they make way for others.
	maxLeases = 200
)

// leaseKey says whose poll, and of what. Polls say nothing of who sends them but the principal.
type leaseKey struct{ principal, key, params string }

// lease is a polled subscription between two polls. While a poll is under way, the feed is the poll's own.
type lease struct {
	feed  *feed
	timer *time.Timer
	ends  time.Time
}

// plain reports whether nothing is lost with the lease: its key has no platform side.
func (l *lease) plain() bool { return l.feed.sub.Key.PreConsume == nil }

// borrow returns the feed of the lease on what a client wants, or opens one. Whoever borrows it parks or releases it.
func (h *eventHub) borrow(ctx context.Context, principal string, in interest) (*feed, error) {
	if f := h.take(principal, in); f != nil {
		return f, nil
	}
	if in.def.PreConsume != nil && h.held(principal) >= maxLeases {
		return nil, &rpcError{Code: codeExhausted,
			Message: fmt.Sprintf("%d subscriptions on the platform are held for polling, the most at once; each ends %v after its last poll", maxLeases, leaseTime),
			Data:    errorData{Limit: "leases", Max: maxLeases}}
	}
	return h.open(ctx, in, 1)
}

// take ends the lease on what a client wants and returns its feed, nil if there is none.
func (h *eventHub) take(principal string, in interest) *feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := leaseKey{principal, in.def.Key, in.params}
	l := h.leases[key]
	if l == nil {
		return nil
	}
	l.timer.Stop()
	delete(h.leases, key)
	return l.feed
}

// park keeps a feed for the next poll of the same, for leaseTime. If another poll has parked its own meanwhile, that one
// is kept. Of too many, the plain one that would end first ends now, and the new one if none is plain.
func (h *eventHub) park(principal string, in interest, f *feed) {
	key := leaseKey{principal, in.def.Key, in.params}
	h.mu.Lock()
	present := h.leases[key]
	switch {
	case present != nil:
		present.timer.Reset(leaseTime)
		present.ends = time.Now().Add(leaseTime)
	case !h.closed:
		l := &lease{feed: f, ends: time.Now().Add(leaseTime)}
		l.timer = time.AfterFunc(leaseTime, func() { h.expire(key, l) })
		h.leases[key] = l
		f = h.shed(key)
	}
	h.mu.Unlock()
	if f != nil {
		f.release()
	}
}

// shed takes a lease out if the principal of the latest has more than maxLeases, and returns its feed, else nil. h.mu must
// be held.
func (h *eventHub) shed(latest leaseKey) *feed {
	all, out := 0, latest
	for key, l := range h.leases {
		if key.principal != latest.principal {
			continue
		}
		all++
		if chosen := h.leases[out]; l.plain() && (!chosen.plain() || l.ends.Before(chosen.ends)) {
			out = key
		}
	}
	if all <= maxLeases {
		return nil
	}
	l := h.leases[out]
	l.timer.Stop()
	delete(h.leases, out)
	return l.feed
}

// expire ends a lease, unless it has been taken or replaced meanwhile.
func (h *eventHub) expire(key leaseKey, l *lease) {
	h.mu.Lock()
	current := h.leases[key] == l
	if current {
		delete(h.leases, key)
	}
	h.mu.Unlock()
	if current {
		l.feed.release()
	}
}

// held returns how many leases on keys with a platform side a principal has.
func (h *eventHub) held(principal string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, l := range h.leases {
		if key.principal == principal && !l.plain() {
			n++
		}
	}
	return n
}
