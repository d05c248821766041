package mcp

import (
	"context"
	"fmt"
	"time"
)

const (
	// leaseTime is how long a subscription that was polled stays without another poll.
	leaseTime = 5 * time.Minute
	// maxLeases bounds the polled subscriptions of one principal.
	maxLeases = 200
)

// leaseKey says whose poll, and of what. Polls say nothing of who sends them but the principal.
type leaseKey struct{ principal, key, params string }

// lease is a polled subscription between two polls. While a poll is under way, the feed is the poll's own.
type lease struct {
	feed  *feed
	timer *time.Timer
}

// borrow returns the feed of the lease on what a client wants, or opens one. Whoever borrows it parks or releases it.
func (h *eventHub) borrow(ctx context.Context, principal string, in interest) (*feed, error) {
	if f := h.take(principal, in); f != nil {
		return f, nil
	}
	if in.def.PreConsume != nil && h.leased(principal) >= maxLeases {
		return nil, &rpcError{Code: codeExhausted,
			Message: fmt.Sprintf("%d subscriptions are held for polling, the most at once; each ends %v after its last poll", maxLeases, leaseTime),
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
// is kept.
func (h *eventHub) park(principal string, in interest, f *feed) {
	key := leaseKey{principal, in.def.Key, in.params}
	h.mu.Lock()
	present := h.leases[key]
	switch {
	case present != nil:
		present.timer.Reset(leaseTime)
	case !h.closed && h.leasedLocked(principal) < maxLeases:
		l := &lease{feed: f}
		l.timer = time.AfterFunc(leaseTime, func() { h.expire(key, l) })
		h.leases[key] = l
		f = nil
	}
	h.mu.Unlock()
	if f != nil {
		f.release()
	}
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

// leased returns how many leases a principal has.
func (h *eventHub) leased(principal string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.leasedLocked(principal)
}

func (h *eventHub) leasedLocked(principal string) (n int) {
	for key := range h.leases {
		if key.principal == principal {
			n++
		}
	}
	return n
}
