package consume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

const (
	// startTimeout is how long a bus may take from its start to its first answer.
	startTimeout = 20 * time.Second
	// The waits between attempts to reach a bus that was just started, or that is ending.
	dialRetryMin, dialRetryMax = 10 * time.Millisecond, 250 * time.Millisecond
	// The waits between attempts to get back to a bus that was lost.
	tendRetryMin, tendRetryMax = 100 * time.Millisecond, 10 * time.Second
	// The waits before a bus is replaced that the platform had refused.
	yieldMin, yieldMax = time.Second, 10 * time.Minute
	// The waits between attempts to make a subscription again with a new bus. They are long, because each may call
	// the platform.
	joinRetryMin, joinRetryMax = time.Second, time.Minute
	// maxLost is how many buses in a row may end under one request.
	maxLost = 10
)

// starting says whether a bus may be started when none answers.
type starting int

const (
	mayNotStart starting = iota // only an attachment to a bus that runs will do
	mayRestart                  // start one, unless the last one was told to stop
	mayStart                    // start one: the user asks for something new
)

// errClosed is returned for what is asked of a closed client.
var errClosed = &eventcore.Error{
	Code: eventcore.CodeBusUnavailable, Message: "this session is ending", Hint: "start a new session",
}

// attach returns the live link, making one if there is none.
func (c *Client) attach(ctx context.Context, how starting) (*link, error) {
	if l := c.liveLink(); l != nil {
		return l, nil
	}
	if c.closed.Err() != nil {
		return nil, errClosed
	}
	return c.relink(ctx, how)
}

// onLink runs f with the live link, and again with the next one when that link was lost meanwhile.
func (c *Client) onLink(ctx context.Context, how starting, f func(*link) error) error {
	retry := backoff{min: dialRetryMin, max: dialRetryMax}
	for lost := 1; ; lost++ {
		l, err := c.attach(ctx, how)
		if err != nil {
			return err
		}
		if err = f(l); !errors.Is(err, errLost) || ctx.Err() != nil {
			return err
		}
		if lost == maxLost {
			return keepsEnding(c.opts.App.Log(), err)
		}
		if err := retry.wait(ctx); err != nil {
			return err
		}
	}
}

// relink makes a link unless somebody else has just made one.
func (c *Client) relink(ctx context.Context, how starting) (*link, error) {
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l := c.liveLink(); l != nil {
		return l, nil
	}
	c.mu.Lock()
	if how == mayRestart && c.link != nil && c.link.wasStopped() {
		how = mayNotStart
	}
	c.mu.Unlock()
	l, err := c.dial(ctx, how != mayNotStart)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Err() != nil {
		l.close()
		return nil, errClosed
	}
	c.link = l
	close(c.linked)
	c.linked = make(chan struct{})
	c.tending.Go(func() { c.tend(l) })
	return l, nil
}

func (c *Client) liveLink() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && c.link.alive() {
		return c.link
	}
	return nil
}

// dial connects to the bus. If none answers and start is true it has one started, again if that one lost the race
// against a bus that was just ending.
func (c *Client) dial(ctx context.Context, start bool) (*link, error) {
	hello := protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleConsumer, Name: c.opts.Name, PID: os.Getpid(),
		Binary: c.opts.Binary, Credentials: c.opts.Credentials, Domain: c.opts.Domain,
	}
	deadline := time.Now().Add(startTimeout)
	retry := backoff{min: dialRetryMin, max: dialRetryMax}
	var started time.Time
	for {
		conn, err := transport.Dial(ctx, c.opts.App.Socket())
		if err == nil {
			var l *link
			if l, err = open(ctx, conn, hello); err == nil {
				return l, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, errNoWelcome):
			return nil, c.noAnswer()
		case !errors.Is(err, transport.ErrNoBus) && !errors.Is(err, errLost):
			return nil, unavailable(err)
		case !start || c.opts.Start == nil:
			return nil, noBus()
		case time.Now().After(deadline):
			return nil, notStarted(c.opts.App.Log(), err)
		}
		if time.Since(started) > time.Second {
			if err := c.opts.Start(ctx); err != nil {
				return nil, err
			}
			started = time.Now()
		}
		if err := retry.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// tend brings a link's subscriptions into its bus, and gets back to the bus when the link is lost, so that events
// are received also while nobody reads.
func (c *Client) tend(l *link) {
	c.keepJoined(l)
	if c.closed.Err() != nil {
		return
	}
	if c.yieldAfter(l) != nil {
		return
	}
	retry := backoff{min: tendRetryMin, max: tendRetryMax}
	for c.hasSubscriptions() {
		if c.liveLink() != nil {
			return
		}
		_, err := c.relink(c.closed, mayRestart)
		if err == nil || c.closed.Err() != nil {
			return
		}
		c.log.Warn("the bus was lost and cannot be reached yet", "error", err)
		if retry.wait(c.closed) != nil {
			return
		}
	}
}

// noAnswer is the error for a bus that was not reached because it hangs.
func (c *Client) noAnswer() error {
	running, _ := busdiscover.Running(c.opts.App)
	return noAnswer(running.PID)
}

// keepJoined brings the subscriptions into a link's bus, trying again those that fail, and returns when the link is
// lost or the client is closed.
func (c *Client) keepJoined(l *link) {
	ctx, cancel := context.WithCancel(c.closed)
	defer cancel()
	c.tending.Go(func() {
		select {
		case <-l.done:
			cancel()
		case <-ctx.Done():
		}
	})
	retry := backoff{min: joinRetryMin, max: joinRetryMax}
	for !c.rejoin(ctx, l) && retry.wait(ctx) == nil {
	}
	<-ctx.Done()
}

// yieldAfter waits before the link is replaced if its bus was refused by the platform: it has most likely made way for
// one with other credentials. Two consumers whose credentials are both wrong would otherwise end each other's bus for
// ever; each waits longer every time.
func (c *Client) yieldAfter(l *link) error {
	state, _ := l.state()
	c.mu.Lock()
	if state.Phase != source.Failed {
		c.yielding = backoff{min: yieldMin, max: yieldMax}
		c.mu.Unlock()
		return nil
	}
	wait := c.yielding.grow()
	c.mu.Unlock()
	return pause(c.closed, wait)
}

func unavailable(err error) error {
	var known *eventcore.Error
	if errors.As(err, &known) {
		return known
	}
	return &eventcore.Error{
		Code: eventcore.CodeBusUnavailable, Message: err.Error(), Cause: err,
		Hint: "lark-events-mcp status shows what runs; lark-events-mcp stop ends it",
	}
}

func noBus() error {
	return &eventcore.Error{
		Code: eventcore.CodeBusUnavailable, Message: "no bus is running for this app",
		Hint: "subscribe_event starts one, and so does lark-events-mcp consume",
	}
}

func notStarted(log string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the bus did not start within %s", startTimeout),
		Hint:    fmt.Sprintf("its log is %s; if it is upgrading its journal, try again when that is done; lark-events-mcp bus runs it in the foreground", log),
		Cause:   err,
	}
}

func keepsEnding(log string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the bus ended %d times before it had answered", maxLost),
		Hint:    fmt.Sprintf("its log is %s; lark-events-mcp bus runs it in the foreground", log),
		Cause:   err,
	}
}

// backoff waits longer each time, from min to max.
type backoff struct{ min, max, next time.Duration }

// wait waits, or returns ctx's error.
func (b *backoff) wait(ctx context.Context) error { return pause(ctx, b.grow()) }

// grow returns the next wait.
func (b *backoff) grow() time.Duration {
	b.next = min(max(b.next*2, b.min), b.max)
	return b.next
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
