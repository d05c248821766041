package mcp

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// poll reads a session's subscriptions where they stand, and moves them on.
//
// Nothing is locked while it waits, so that any number of polls can wait at once. A poll that comes back with
// events claims them: if another poll took them meanwhile, it reads again, and each event goes to one poll only.
// The claim becomes good when it is decided that the call is answered; a cancelled call consumes nothing. When the
// session takes no more requests, a wait ends with what there is.
type poll struct {
	session *Session
	id      string            // of the one subscription to read; empty for all
	from    *eventcore.Cursor // where to read; nil for where each subscription stands
	limit   consume.Limit
}

// pageBytes is how much a page brings at most, unless one event alone is larger. What clients let a model see of a
// result is little: Claude Code puts what is above 50,000 characters into a file, others cut out its middle. What was cut
// out is passed by the next poll, so the page ends before.
const pageBytes = 32 << 10

func pageLimit(events int) consume.Limit { return consume.Limit{Events: events, Bytes: pageBytes} }

// missedHint is for who had a subscription in an earlier session, and would not know what it missed by another.
const missedHint = "A subscription ends with its session; to miss nothing, pass the last cursor you got as from, or an age such as 30m"

// reading is a page, and which subscriptions it is of, in the order of the page's Next.
type reading struct {
	subs []*subscription
	at   []consume.At
	page *consume.Page
}

// read returns the next page. If there is no event it waits for one until the deadline.
func (p poll) read(ctx context.Context, deadline time.Time) (*reading, error) {
	for {
		// Taken before the subscriptions are, so that one that comes or goes from here on is noticed.
		changed := p.session.changed.next()
		r, err := p.begin()
		if err != nil {
			return nil, err
		}
		consumer, err := p.session.consumer()
		if err != nil {
			return nil, err
		}
		interrupted := false
		if wait := time.Until(deadline); wait > 0 && p.session.draining.Err() == nil {
			waiting, release := endWithAny(ctx, p.session.draining, changed)
			r.page, err = consumer.Read(waiting, r.at, p.limit, wait)
			interrupted = waiting.Err() != nil
			release()
		} else {
			r.page, err = consumer.Read(ctx, r.at, p.limit, 0)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && !interrupted:
			return nil, err
		case err == nil && p.claim(ctx, r):
			return r, nil
		}
	}
}

// begin returns where to read.
func (p poll) begin() (*reading, error) {
	r := &reading{subs: p.session.subs.all()}
	if p.id != "" {
		sub, err := p.session.subscription(p.id)
		if err != nil {
			return nil, err
		}
		r.subs = []*subscription{sub}
	}
	if len(r.subs) == 0 {
		return nil, &eventcore.Error{
			Code: eventcore.CodeUnknownSubscription, Message: "this session has no subscription to poll",
			Hint: "call subscribe_event first; list_event_keys finds keys. " + missedHint,
		}
	}
	r.at = make([]consume.At, len(r.subs))
	for i, sub := range r.subs {
		r.at[i] = consume.At{Subscription: sub.Subscription, Cursor: sub.at()}
		if p.from != nil {
			r.at[i].Cursor = *p.from
		}
	}
	return r, nil
}

// claim makes the page the call's own, to be settled with the call. False means that the subscriptions have been
// read further, or have ended, since the reading began.
func (p poll) claim(ctx context.Context, r *reading) bool {
	claim := &p.session.claim
	claim.Lock()
	for i, sub := range r.subs {
		present, _ := p.session.subs.get(sub.ID) // perhaps the next one with the ID
		if present != sub || (p.from == nil && sub.at() != r.at[i].Cursor) {
			claim.Unlock()
			return false
		}
	}
	callFrom(ctx).whenSettled(func(answered bool) {
		defer claim.Unlock()
		if answered {
			// A cursor that the client chose may be as old as it likes; that is no loss.
			r.commit(&p.session.server.metrics, r.page.Truncated && p.from == nil)
		}
	})
	return true
}

// commit moves the subscriptions behind the page, and counts it; lost means that retention passed events they had not
// read.
func (r *reading) commit(counts *metrics, lost bool) {
	for i, sub := range r.subs {
		var events []consume.Event
		for _, event := range r.page.Events {
			if event.Subscription == sub.Subscription {
				events = append(events, event)
			}
		}
		fresh, dropped := sub.advance(r.page.Next[i], events, r.page.Filtered[i], lost)
		for _, event := range fresh {
			counts.delivered(byPoll, sub.Key.Key, event.Received, event.Err != nil)
		}
		counts.filtered(byPoll, sub.Key.Key, dropped)
	}
}
