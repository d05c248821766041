package consume

import (
	"context"
	"time"
)

const (
	// abandonedTime is how long the platform may take, cleanup included, when whoever subscribes has gone.
	abandonedTime = 5 * time.Second
	// maxAbandoned is how many such subscriptions there may be at once; the next one is cut off.
	maxAbandoned = 16
)

// asking is called when PreConsume begins, and says under which context.
type asking func() context.Context

// within lets PreConsume end with ctx.
func within(ctx context.Context) asking { return func() context.Context { return ctx } }

// pendingSub is a subscription that is there, or that is being made.
type pendingSub struct {
	sub   *Subscription
	asked chan struct{}      // closed when PreConsume begins
	cut   context.CancelFunc // ends PreConsume, or the cleanup of what nobody waits for
	done  chan struct{}      // closed when it is made or has failed
	err   error              // why it failed, once it is done

	// Guarded by the client's mu: whether it is there, and whether whoever asked for it has gone before it was.
	made, abandoned bool
}

// begin makes a subscription beside its caller, so that who has gone need not be waited for by what the platform was
// asked. It is not cut off, because nobody would know what came of it. c.mu is held, and the client is not closed.
func (c *Client) begin(ctx context.Context, sub *Subscription, from from) *pendingSub {
	ask, cut := context.WithCancel(context.WithoutCancel(ctx))
	p := &pendingSub{sub: sub, asked: make(chan struct{}), cut: cut, done: make(chan struct{})}
	sub.ID = c.freeID(sub.fingerprint)
	c.subscribed[sub.fingerprint] = p
	c.holders++
	sub.holder = c.holders
	c.making.Go(func() {
		defer cut()
		c.create(ctx, ask, p, from)
	})
	return p
}

// create makes a subscription, and ends it again if nobody waits for it any more.
func (c *Client) create(ctx, ask context.Context, p *pendingSub, from from) {
	defer close(p.done)
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(c.closed, end)()
	asked := false
	err := c.establish(ctx, func() context.Context {
		if !asked { // it may begin again with another bus
			asked = true
			close(p.asked)
		}
		return ask
	}, p.sub, from, false)
	c.mu.Lock()
	if p.made = err == nil && ctx.Err() == nil && !p.abandoned && c.closed.Err() == nil; p.made {
		c.subs[p.sub.ID] = p.sub
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	if p.err = err; err == nil {
		p.err = context.Canceled
		leaving, end := context.WithTimeout(ask, abandonedTime)
		defer end()
		if _, err := p.sub.leave(leaving, c.liveLink()); err != nil {
			c.log.Warn("a subscription that was cancelled while it was made could not be ended", "key", p.sub.Key.Key, "error", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscribed, p.sub.fingerprint)
	if p.abandoned {
		c.abandoned--
	}
}

// await returns when a subscription is made, has failed, or is abandoned because ctx or the client has ended.
func (c *Client) await(ctx context.Context, p *pendingSub) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		c.abandon(p)
	case <-c.closed.Done():
		c.abandon(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case p.made:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case c.closed.Err() != nil:
		return errClosed
	}
	return p.err
}

// abandon lets PreConsume go on without its caller. Everything else ends with the caller, and is waited for.
func (c *Client) abandon(p *pendingSub) {
	select {
	case <-p.done:
		return
	case <-p.asked:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.made || c.subscribed[p.sub.fingerprint] != p { // it is done by now
		return
	}
	p.abandoned = true
	c.abandoned++
	if c.abandoned > maxAbandoned {
		p.cut()
		return
	}
	time.AfterFunc(abandonedTime, p.cut)
}

// awaitMaking waits for the subscriptions that are being made, which end because the client is closed. When ctx ends it
// cuts them off, and from a bus that does not answer.
func (c *Client) awaitMaking(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		c.mu.Lock()
		for _, p := range c.subscribed {
			p.cut()
		}
		l := c.link
		c.mu.Unlock()
		if l != nil {
			l.close()
		}
	})()
	c.making.Wait()
}
