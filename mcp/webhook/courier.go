package webhook

import (
	"context"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const (
	// inFlight is how many deliveries of one subscription are under way at once, their bodies in memory. While its
	// deliveries fail it is one.
	inFlight = 4
	// ReadsAtOnce is how many reads of one feed may be under way at once: one for what is new, and one for each delivery.
	ReadsAtOnce = 1 + inFlight
	// readWait is how long one read waits for events.
	readWait = 15 * time.Second
	// outageTime of nothing but failures is an outage.
	outageTime = time.Minute
)

// courier delivers one subscription's events. Everything in it belongs to the goroutine of run, but feed, which the
// goroutines it starts may read.
type courier struct {
	manager *Manager
	sub     *subscription
	feed    Feed // nil until it is open
	queue   queue
	gap     gapMessage

	work    sync.WaitGroup // deliveries and the read
	flying  int            // deliveries
	results chan result    // has room for one of each
	fetched chan fetched
	// reading means that a read is under way; after failures, the next is due at readAt.
	reading      bool
	readAt       time.Time
	readFailures int
	// problem is what was logged of what keeps events from coming, until it has passed.
	problem string
	// failing means that the last delivery failed.
	failing bool
	// failed is what failed first since the last success, several that something else did as well.
	failed  *entry
	several bool
}

// gapMessage is the control message that tells of events left out, if it is owed.
type gapMessage struct {
	owed bool
	// again means that it became owed once more while it was on its way.
	again bool
	entry entry // its tries; eventID is the message's id
}

// fetched is the outcome of opening or reading the feed.
type fetched struct {
	feed Feed
	page Page
	err  error
}

func newCourier(m *Manager, sub *subscription, feed Feed) *courier {
	c := &courier{
		manager: m, sub: sub, feed: feed, queue: queue{read: sub.watermark},
		results: make(chan result, inFlight+1), fetched: make(chan fetched, 1),
	}
	sub.opened(feed)
	if sub.gap {
		c.oweGap(time.Now())
	}
	return c
}

// run delivers until the subscription ends or ctx does, and has closed the feed when it returns.
func (c *courier) run(ctx context.Context) {
	defer close(c.sub.done)
	working, stop := context.WithCancel(ctx)
	ended, why := c.serve(working)
	stop()
	c.work.Wait()
	c.drain()
	if ended {
		c.sub.end()
		if why != nil {
			c.manager.log.Warn("a webhook subscription ended", "subscription", c.sub.id, "host", c.sub.to.host, "reason", why.Message)
			c.sendTerminated(ctx, why)
		}
	}
	c.manager.closeFeed(ctx, c.sub, c.feed)
	if ended {
		c.manager.forget(c.sub)
	}
}

// serve returns whether the subscription itself has ended, and why if its endpoint is to be told.
func (c *courier) serve(ctx context.Context) (ended bool, why *Error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		over, why, wake := c.sub.ended(now)
		if over {
			return true, why
		}
		if why := c.revoked(); why != nil {
			return true, why
		}
		if at := c.launch(ctx, now); wake.IsZero() || !at.IsZero() && at.Before(wake) {
			wake = at
		}
		timer.Stop()
		var alarm <-chan time.Time
		if !wake.IsZero() {
			timer.Reset(time.Until(wake))
			alarm = timer.C
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-alarm:
		case <-c.sub.poke:
			c.comply(time.Now())
		case r := <-c.results:
			if ended, why := c.settle(r, time.Now()); ended {
				return true, why
			}
		case f := <-c.fetched:
			if why := c.take(ctx, f, time.Now()); why != nil {
				return true, why
			}
		}
		c.report()
	}
}

// launch starts what is due, as far as there is room, and returns when more will be; zero if only an event can tell.
func (c *courier) launch(ctx context.Context, now time.Time) (wake time.Time) {
	if !c.sub.active() {
		return wake
	}
	for c.flying < c.limit() {
		next := c.queue.next()
		if c.gap.owed && !c.gap.entry.busy && (next == nil || !next.due.Before(c.gap.entry.due)) {
			next = &c.gap.entry
		}
		if next == nil {
			break
		}
		if next.due.After(now) {
			wake = next.due
			break
		}
		c.start(ctx, next, nil)
	}
	room := min(c.limit()-c.flying, c.queue.room())
	switch {
	case c.reading || room <= 0:
	case c.readAt.After(now):
		if wake.IsZero() || c.readAt.Before(wake) {
			wake = c.readAt
		}
	default:
		c.reading = true
		feed, from := c.feed, c.queue.read
		c.work.Go(func() { c.fetched <- c.fetch(ctx, feed, from, room) })
	}
	return wake
}

func (c *courier) limit() int {
	if c.failing {
		return 1
	}
	return inFlight
}

// start begins a delivery; o is nil if the event is to be read again.
func (c *courier) start(ctx context.Context, e *entry, o *Occurrence) {
	e.busy = true
	c.flying++
	feed, gap := c.feed, e == &c.gap.entry
	id := e.eventID
	cursor := e.cursor
	c.work.Go(func() {
		if gap {
			c.results <- result{entry: e, outcome: c.deliverGap(ctx, id)}
			return
		}
		c.results <- result{entry: e, outcome: c.deliver(ctx, feed, id, cursor, o)}
	})
}

// fetch opens the feed if that is not done, else reads it.
func (c *courier) fetch(ctx context.Context, feed Feed, from eventcore.Cursor, limit int) (f fetched) {
	if feed == nil {
		at := from.String()
		f.feed, f.err = c.manager.opts.Feeds.Open(ctx, c.sub.name, c.sub.arguments, &at, 0)
		return f
	}
	f.page, f.err = feed.Read(ctx, from, limit, readWait)
	return f
}

// take handles what fetch returned. It returns the error that ends the subscription, if there is one.
func (c *courier) take(ctx context.Context, f fetched, now time.Time) *Error {
	c.reading = false
	switch {
	case f.err != nil && ctx.Err() != nil:
		return nil // it was cut off
	case f.err != nil:
		return c.unread(f.err, now)
	}
	c.readFailures, c.readAt = 0, time.Time{}
	if f.feed != nil {
		c.feed, c.queue.read = f.feed, f.feed.Start()
		c.sub.opened(f.feed)
		if f.feed.Truncated() {
			c.oweGap(now)
		}
		return nil
	}
	if why := c.revoked(); why != nil { // it may have waited long
		return why
	}
	c.notice(f.page.Problem)
	if f.page.Truncated {
		c.oweGap(now)
	}
	arrived := make([]*entry, len(f.page.Occurrences))
	for i, o := range f.page.Occurrences {
		arrived[i] = c.queue.add(o, now)
	}
	c.queue.read = f.page.Next
	c.report() // before bodies are made, which tell of the watermark
	for i, e := range arrived {
		// What cannot go at once is read again when it can.
		if c.sub.active() && c.flying < c.limit() {
			c.start(ctx, e, &f.page.Occurrences[i])
		}
	}
	return nil
}

// unread handles that the feed could not be opened or read. It returns the error that ends the subscription, or nil if
// the feed may be read again, at readAt. Failures of reads beside each other are one.
func (c *courier) unread(err error, now time.Time) *Error {
	if why := final(err); why != nil {
		return why
	}
	if now.Before(c.readAt) {
		return nil
	}
	c.readFailures++
	c.readAt = now.Add(backoff(c.readFailures, longestReadWait))
	c.manager.log.Warn("a webhook subscription's events could not be read; trying again", "subscription", c.sub.id, "at", c.readAt, "error", err)
	return nil
}

// notice logs a problem, once while it lasts.
func (c *courier) notice(problem error) {
	text := ""
	if problem != nil {
		text = problem.Error()
	}
	if text != "" && text != c.problem {
		c.manager.log.Warn("a webhook subscription may miss events until this has passed", "subscription", c.sub.id, "error", problem)
	}
	c.problem = text
}

// revoked returns the error that ends the subscription if its principal may no longer have it.
func (c *courier) revoked() *Error {
	if c.manager.opts.Permitted(c.sub.principal) {
		return nil
	}
	return &Error{Code: CodeForbidden, Message: "the client that subscribed may no longer connect to the server, and the subscription was ended"}
}

// comply does what refreshes asked for.
func (c *courier) comply(now time.Time) {
	resumed, probed := c.sub.wishes()
	c.readAt = time.Time{} // whoever refreshes may know that it works again
	switch {
	case resumed:
		c.failed, c.several = nil, false
		c.queue.startOver(now)
		c.gap.entry.due = now
	case probed && c.failing:
		c.queue.probe(now)
	}
}

// settle handles a delivery's result and reports whether it ends the subscription, and why if the endpoint is to be told.
func (c *courier) settle(r result, now time.Time) (ended bool, why *Error) {
	c.flying--
	r.entry.busy = false
	switch r.verdict {
	case verdictGone:
		c.manager.log.Info("a webhook endpoint wants no more deliveries", "subscription", c.sub.id, "host", c.sub.to.host)
		c.manager.verifier.forget(c.sub.target())
		return true, nil
	case verdictDelivered:
		c.readFailures = 0 // with the feed full of what waits, nothing else tells
		// After an outage what else waits will go through as well.
		if c.sub.succeeded(now) >= outageTime {
			c.queue.hurry(now)
			c.gap.entry.due = now
		}
		c.failing, c.failed, c.several = false, nil, false
		c.done(r.entry, now)
	case verdictFailed:
		if c.failed == nil {
			c.failed = r.entry
		}
		c.failing, c.several = true, c.several || c.failed != r.entry
		if c.sub.failed(now, r.reason, c.several || r.reason.ofEndpoint()) {
			c.manager.log.Warn("deliveries to a webhook endpoint are suspended until it is subscribed again",
				"subscription", c.sub.id, "host", c.sub.to.host, "reason", r.reason)
		}
		if r.entry.fail(now) && r.entry != &c.gap.entry {
			c.giveUp(r.entry, now, "it was tried too often", nil)
		}
	case verdictRefused:
		c.giveUp(r.entry, now, "the endpoint finds it too large", nil)
	case verdictLost:
		c.giveUp(r.entry, now, "it cannot be sent", r.err)
	case verdictUnread:
		why := c.unread(r.err, now)
		r.entry.due = c.readAt
		return why != nil, why
	}
	return false, nil
}

// done takes a message out that needs no more tries.
func (c *courier) done(e *entry, now time.Time) {
	if e != &c.gap.entry {
		c.queue.settle(e)
		return
	}
	again := c.gap.again
	c.gap = gapMessage{}
	if again {
		c.oweGap(now)
	}
}

// giveUp leaves an event out, and has the endpoint told that there is a gap.
func (c *courier) giveUp(e *entry, now time.Time, reason string, err error) {
	if e == &c.gap.entry {
		c.done(e, now)
		return
	}
	c.manager.log.Warn("an event was given up; its webhook is told of a gap", "subscription", c.sub.id,
		"event_id", e.eventID, "reason", reason, "error", err)
	c.queue.settle(e)
	c.oweGap(now)
}

func (c *courier) oweGap(now time.Time) {
	if c.gap.owed {
		c.gap.again = c.gap.entry.busy
		return
	}
	c.gap = gapMessage{owed: true, entry: entry{eventID: controlID(typeGap), due: now}}
}

// report lets others know how far deliveries have got.
func (c *courier) report() {
	if c.sub.advance(c.queue.watermark(), c.gap.owed) {
		c.manager.touch()
	}
}

// drain handles what came in while nobody looked, so that what was delivered counts, and a feed that opened is closed.
func (c *courier) drain() {
	now := time.Now()
	for c.flying > 0 {
		c.settle(<-c.results, now)
	}
	select {
	case f := <-c.fetched:
		if f.feed != nil {
			c.feed = f.feed
		}
	default:
	}
	c.report()
}
