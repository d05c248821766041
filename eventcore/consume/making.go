package consume

import (
	"context"
	"slices"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const (
	// abandonedTime is how long the platform may take, cleanup included, for a subscription that nobody waits for any more.
	abandonedTime = 5 * time.Second
	// maxAbandoned is how many such there may be at once; the next one is cut off.
	maxAbandoned = 16
)

// asking is called when PreConsume begins, and says under which context.
type asking func() context.Context

// within lets PreConsume end with ctx.
func within(ctx context.Context) asking { return func() context.Context { return ctx } }

// pendingSub is a subscription that is there, or that is being made.
type pendingSub struct {
	sub   *Subscription
	end   context.CancelFunc // ends the making, but for what the platform is asked
	cut   context.CancelFunc // ends that too
	asked chan struct{}      // closed when PreConsume begins, or the bus knows of it without: what follows has more time
	done  chan struct{}      // closed when it is made or has failed
	err   error              // why it failed, once it is done

	// Guarded by the client's mu.
	wanted []*wish     // of the calls of Subscribe that are about to return it, the first one first
	made   *wish       // as it is there, nil while it is not
	taken  bool        // one has returned it
	limit  *time.Timer // cuts it off; nil unless it is abandoned
}

// wish is where a call of Subscribe wants a subscription to begin, and since when. That of the first one that waits for it
// when it is there is fulfilled; the others find it as it is.
type wish struct {
	from  from
	asked time.Time
}

// enter returns the subscription to the same as sub that is there or being made, with one more who wants it, or else begins
// to make sub; found means that it had begun before. It returns nil if the client is closed.
func (c *Client) enter(sub *Subscription, own *wish) (p *pendingSub, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Err() != nil {
		return nil, false
	}
	if p, found = c.subscribed[sub.fingerprint]; !found {
		p = c.begin(sub, own)
	}
	p.wanted = append(p.wanted, own)
	c.keep(p)
	return p, found
}

// begin makes a subscription beside those who wait for it, so that who has gone is not kept by what the platform was
// asked. That has more time, because nobody would know what came of it. c.mu is held.
func (c *Client) begin(sub *Subscription, own *wish) *pendingSub {
	ask, cut := context.WithCancel(c.patience)
	life, end := context.WithCancel(c.closed)
	p := &pendingSub{sub: sub, end: end, cut: cut, asked: make(chan struct{}), done: make(chan struct{})}
	sub.ID = c.freeID(sub.fingerprint)
	c.subscribed[sub.fingerprint] = p
	c.holders++
	sub.holder = c.holders
	c.making.Go(func() {
		defer cut()
		defer end()
		c.create(life, ask, p, own)
	})
	return p
}

// create makes a subscription, and ends it again if nobody waits for it any more.
func (c *Client) create(life, ask context.Context, p *pendingSub, own *wish) {
	defer close(p.done)
	asked := false
	err := c.establish(life, func() context.Context {
		if !asked { // it may begin again with another bus
			asked = true
			close(p.asked)
		}
		return ask
	}, p.sub, own.from, false)
	joined := err == nil
	if joined && !asked {
		close(p.asked)
	}
	for err == nil {
		c.mu.Lock()
		switch {
		case len(p.wanted) == 0 || c.closed.Err() != nil:
			err = context.Canceled
		case p.wanted[0] == own:
			p.made = own
			c.subs[p.sub.ID] = p.sub
			c.mu.Unlock()
			return
		default: // whose wish it was has gone
			own = p.wanted[0]
		}
		c.mu.Unlock()
		if err == nil {
			err = c.place(ask, p.sub, own)
		}
	}
	if p.err = err; joined {
		c.undo(ask, p.sub)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p.wanted) == 0 && !joined {
		c.log.Info("a subscription that was cancelled while it was made came to nothing", "key", p.sub.Key.Key, "error", err)
	}
	delete(c.subscribed, p.sub.fingerprint)
	c.keep(p)
}

// place lets a subscription that nobody has yet begin where another call wishes, which may have waited for a time.
func (c *Client) place(ctx context.Context, sub *Subscription, own *wish) error {
	return c.onLink(ctx, mayRestart, func(l *link) (err error) {
		if !own.from.now() {
			sub.Start, err = c.find(ctx, l, own.from)
			return err
		}
		after, err := seekTo(ctx, l, &protocol.Seek{Time: own.asked})
		sub.Start = l.cursor(after)
		return err
	})
}

// await returns when a subscription is there or has failed, or when ctx or the client has ended. existed means that it is
// there as another call wished it.
func (c *Client) await(ctx context.Context, p *pendingSub, own *wish) (existed bool, err error) {
	select {
	case <-p.done:
	case <-ctx.Done():
	case <-c.closed.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case p.made != nil:
		return p.made != own, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case c.closed.Err() != nil:
		return false, errClosed
	}
	return false, p.err
}

// leave says that a call of Subscribe returns, with the subscription or without. One that no call has returned, and none is
// about to, is ended.
func (c *Client) leave(p *pendingSub, own *wish, taken bool) {
	c.mu.Lock()
	p.wanted = slices.DeleteFunc(p.wanted, func(other *wish) bool { return other == own })
	p.taken = p.taken || taken
	unwanted, made := len(p.wanted) == 0 && !p.taken, p.made != nil
	if unwanted && made && c.closed.Err() == nil { // otherwise it is ended with all that are there
		delete(c.subs, p.sub.ID)
		delete(c.subscribed, p.sub.fingerprint)
		c.making.Go(func() { c.undo(c.patience, p.sub) })
	}
	c.mu.Unlock()
	if unwanted && !made {
		c.abandon(p)
	}
}

// abandon ends the making of a subscription that nobody waits for, but for what the platform is asked: that goes on for
// a time, unless somebody wants it again by then.
func (c *Client) abandon(p *pendingSub) {
	p.end()
	select {
	case <-p.done:
		return
	case <-p.asked:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p.wanted) > 0 || p.made != nil || p.limit != nil || c.subscribed[p.sub.fingerprint] != p {
		return
	}
	c.abandoned++
	wait := abandonedTime
	if c.abandoned > maxAbandoned {
		wait = 0
	}
	p.limit = time.AfterFunc(wait, p.cut)
}

// keep takes the limit of a subscription away that was abandoned, because it is wanted again or has ended. c.mu is held.
func (c *Client) keep(p *pendingSub) {
	if p.limit != nil {
		p.limit.Stop()
		p.limit = nil
		c.abandoned--
	}
}

// later does what nobody waits for but Close, unless the client is closed.
func (c *Client) later(do func()) (begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if begun = c.closed.Err() == nil; begun {
		c.making.Go(do)
	}
	return begun
}

// undo ends a subscription that nobody has.
func (c *Client) undo(ctx context.Context, sub *Subscription) {
	sub.left.Store(true)
	release, err := sub.take(ctx)
	if err == nil {
		defer release()
		ctx, cancel := context.WithTimeout(ctx, abandonedTime)
		defer cancel()
		_, err = sub.leaveInTurn(ctx, c.liveLink())
	}
	if err != nil {
		c.log.Warn("a subscription that nobody wants any more could not be ended", "key", sub.Key.Key, "error", err)
	}
}

// awaitMaking waits for the subscriptions that are being made, which end because the client is closed. When ctx ends it
// cuts them off, and from a bus that does not answer.
func (c *Client) awaitMaking(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		c.losePatience()
		c.mu.Lock()
		l := c.link
		c.mu.Unlock()
		if l != nil {
			l.close()
		}
	})()
	c.making.Wait()
}
