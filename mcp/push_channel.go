package mcp

import (
	"context"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// The names of Claude Code's channels: the experimental capability a server declares, and the notification whose
// content is put before the model. Source: Claude Code's channels reference.
const (
	channelCapability = "claude/channel"
	channelMethod     = "notifications/claude/channel"
)

// channelInterval is the least time between two channel messages of a session: each of them wakes an agent.
const channelInterval = time.Second

// channel tells a session's client of events by channel messages. It reads all subscriptions that are pushed this way
// together, so that an event that several of them match is told once, and so is a burst.
type channel struct {
	session *Session
	allowed allowList
	// told are the events of earlier messages, and earliest is when the next may go out. Only run touches them.
	told     *recent
	earliest time.Time
	// changed fires when members come or go.
	changed *broadcast

	mu      sync.Mutex
	members []*channelMember
	over    chan struct{} // closed when the turn in progress, or else the last one, is over
}

// channelMember is a subscription that the channel reads. During a turn, the cursor belongs to run.
type channelMember struct {
	sub    *subscription
	cursor eventcore.Cursor // where it is read on
}

func newChannel(s *Session, allowed allowList) *channel {
	over := make(chan struct{})
	close(over)
	return &channel{session: s, allowed: allowed, told: newRecent(maxTold), changed: newBroadcast(), over: over}
}

// join hands a subscription to the channel, to be told of from the cursor on. The caller must leave.
func (c *channel) join(sub *subscription, from eventcore.Cursor) *channelMember {
	m := &channelMember{sub, from}
	c.mu.Lock()
	c.members = append(c.members, m)
	c.mu.Unlock()
	c.changed.fire()
	return m
}

// leave takes the subscription back and returns how far it was told of. Nothing of it is told afterwards.
func (c *channel) leave(m *channelMember) eventcore.Cursor {
	c.mu.Lock()
	for i, other := range c.members {
		if other == m {
			c.members = append(c.members[:i:i], c.members[i+1:]...)
			break
		}
	}
	over := c.over
	c.mu.Unlock()
	c.changed.fire() // which ends the turn
	<-over
	return m.cursor
}

// run tells of events until ctx ends. A failure does not end it: it tries again, more and more slowly.
func (c *channel) run(ctx context.Context) {
	var backoff time.Duration
	for ctx.Err() == nil {
		pause, err := c.turn(ctx)
		if err == nil {
			backoff = 0
		} else {
			backoff = nextBackoff(backoff)
			pause = backoff
			c.session.logger.Warn("events could not be read for the channel; trying again", "pause", pause, "error", err)
		}
		// What arrives during the pause is merged.
		sleep(ctx, max(pause, time.Until(c.earliest)))
	}
}

// turn waits for events and tells of them. It returns how long to wait, if there is a reason to. A change of the
// members ends it, without an error.
func (c *channel) turn(ctx context.Context) (pause time.Duration, err error) {
	c.mu.Lock()
	changed := c.changed.next()
	members := append([]*channelMember(nil), c.members...)
	over := make(chan struct{})
	c.over = over
	c.mu.Unlock()
	defer close(over)
	ctx, release := endWithAny(ctx, changed)
	defer release()
	if len(members) == 0 {
		<-ctx.Done()
		return 0, nil
	}
	pause, err = c.tell(ctx, members)
	if ctx.Err() != nil {
		return 0, nil
	}
	return pause, err
}

// tell reads what there is and sends one message of it. The cursors follow once the client has taken it, so that
// nothing is told twice if it is cut short.
func (c *channel) tell(ctx context.Context, members []*channelMember) (pause time.Duration, err error) {
	began := time.Now()
	at := make([]consume.At, len(members))
	for i, m := range members {
		at[i] = consume.At{Subscription: m.sub.Subscription, Cursor: m.cursor}
	}
	read, err := c.gather(ctx, at)
	if err != nil {
		return 0, err
	}
	if read.count > 0 {
		line, err := encodeNotification(channelMethod, channelMessage(read))
		if err != nil {
			return 0, err
		}
		if err := c.session.out.send(ctx, line); err != nil {
			return 0, err
		}
		read.commit()
		for _, event := range read.delivered {
			c.session.server.metrics.delivered(byPush, event.Subscription.Key.Key, event.Received, event.Err != nil)
		}
		c.earliest = time.Now().Add(channelInterval)
	}
	moved := false
	for i, m := range members {
		moved = moved || m.cursor != at[i].Cursor
		share := read.share(m.sub.Subscription)
		m.sub.setPushed(at[i].Cursor, share.skipped(m.cursor))
		m.sub.withhold(share.withheld)
		m.cursor = at[i].Cursor
	}
	if !moved && time.Since(began) < pushWait {
		pause = minPushBackoff // a wait that is cut short for no reason must not make the loop spin
	}
	return pause, nil
}

// gather waits for events and reads until there are no more, or for as long as one message stands for. It moves the
// cursors in at.
func (c *channel) gather(ctx context.Context, at []consume.At) (*burst, error) {
	consumer, err := c.session.consumer()
	if err != nil {
		return nil, err
	}
	read := newBurst(c.allowed, c.told)
	wait := pushWait
	var began time.Time
	for {
		page, err := consumer.Read(ctx, at, consume.Limit{Events: consume.MaxPage}, wait)
		if err != nil {
			return nil, err
		}
		if began.IsZero() {
			began, wait = time.Now(), 0
		}
		for _, event := range page.Events {
			read.add(event)
		}
		for i := range at {
			at[i].Cursor = page.Next[i]
			c.session.server.metrics.filtered(byPush, at[i].Subscription.Key.Key, page.Filtered[i])
		}
		if !page.HasMore || time.Since(began) >= channelInterval {
			return read, nil
		}
	}
}
