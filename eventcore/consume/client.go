package consume

import (
	"context"
	"log/slog"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/jq"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// Options configures a [Client].
type Options struct {
	// App is the folder of the app's bus.
	App statedir.App
	// Start starts a bus for the app, detached from this process, when none answers; it does not wait until the
	// bus does. Nil: never. Its error fails what was asked.
	Start func(ctx context.Context) error
	// API returns the client that a key's hooks call as this identity, "bot" or "user". It is asked at a
	// subscription whose key has hooks. Its error is what those calls return.
	API func(identity string) (eventcore.APIClient, error)
	// Sandbox runs the filters that this process must not; nil runs all of them here.
	Sandbox *jq.Sandbox
	// Name says who consumes, in the bus's status: mcp, consume, …
	Name string
	// Binary is the program's version, Credentials the fingerprint of its secret, Domain its platform; see
	// protocol.Hello.
	Binary, Credentials, Domain string
	// Logger gets diagnostics; nil discards them.
	Logger *slog.Logger
}

// Client is one consumer's attachment to a bus. It dials at first use, and again, with its subscriptions kept,
// when the bus has gone. All methods may be called from many goroutines at once.
type Client struct {
	opts Options
	log  *slog.Logger

	// dialing is held by whoever makes a link; a channel, so that waiting for it can be cancelled.
	dialing chan struct{}
	// closed ends what runs in the background; it ends under mu, and no link comes after it.
	closed   context.Context
	close    context.CancelFunc
	tending  sync.WaitGroup
	closeAll sync.Once
	// making are the subscriptions that are being made, or ended with nobody waiting. None begins once closed has ended.
	making sync.WaitGroup
	// patience ends what the platform is asked for them.
	patience     context.Context
	losePatience context.CancelFunc

	mu         sync.Mutex
	link       *link         // nil before the first
	linked     chan struct{} // closed when link is another
	yielding   backoff
	holders    uint64
	subs       map[string]*Subscription // by ID
	subscribed map[string]*pendingSub   // by fingerprint: those that are there or are being made
	abandoned  int                      // of those that are being made, see [Client.abandon]
}

// New returns a client; nothing is dialled yet.
func New(opts Options) *Client {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		yielding: backoff{min: yieldMin, max: yieldMax},
		opts:     opts, log: opts.Logger, dialing: make(chan struct{}, 1), linked: make(chan struct{}),
		subs: map[string]*Subscription{}, subscribed: map[string]*pendingSub{},
	}
	c.closed, c.close = context.WithCancel(context.Background())
	c.patience, c.losePatience = context.WithCancel(context.Background())
	return c
}

// Source returns the last known state of the connection to the platform, without waiting; before the first use
// of the bus it is Connecting.
func (c *Client) Source() source.State {
	state, _, _ := c.watchSource()
	return state
}

// NextSource waits until the state that [Client.Source] returns is another than last, and returns it, or returns ctx's
// error. It attaches to no bus.
func (c *Client) NextSource(ctx context.Context, last source.State) (source.State, error) {
	for {
		state, changed, lost := c.watchSource()
		if state != last {
			return state, nil
		}
		select {
		case <-changed:
		case <-lost:
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}

// watchSource returns the state, and what is closed when it changes or the bus is lost; nil is never closed.
func (c *Client) watchSource() (state source.State, changed, lost <-chan struct{}) {
	c.mu.Lock()
	l, linked := c.link, c.linked
	c.mu.Unlock()
	switch {
	case l == nil:
		return source.State{Phase: source.Connecting}, linked, nil
	case !l.alive():
		state, _ := l.state()
		state.Phase, state.Detail = source.Reconnecting, "the bus has ended; it is started again when needed"
		return state, linked, nil
	}
	state, changed = l.state()
	return state, changed, l.done
}

// AwaitSource attaches to the bus and waits until the connection to the platform is up or was refused for good,
// or ctx ends; it returns the latest state in any case.
func (c *Client) AwaitSource(ctx context.Context) (source.State, error) {
	state := source.State{Phase: source.Connecting}
	err := c.onLink(ctx, mayStart, func(l *link) error {
		for {
			var changed <-chan struct{}
			state, changed = l.state()
			if state.Phase == source.Connected || state.Phase == source.Failed {
				return nil
			}
			select {
			case <-changed:
			case <-l.done:
				return errLost
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return state, err
}

// Status asks the bus for its status. It starts no bus: if none runs, it returns an [*eventcore.Error] with
// bus_unavailable, and likewise, after 10 s, if one runs and does not answer.
func (c *Client) Status(ctx context.Context) (status *protocol.Status, err error) {
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err = c.onLink(limited, mayNotStart, func(l *link) error {
		answer, err := l.call(limited, protocol.Request{Status: &protocol.Empty{}})
		if err == nil {
			status = answer.Status
		}
		return err
	})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = c.noAnswer()
	}
	return status, err
}

// Behind returns how many events of the subscription's type lie after the cursor, before any filter. It starts no
// bus.
func (c *Client) Behind(ctx context.Context, at At) (events int, err error) {
	err = c.onLink(ctx, mayNotStart, func(l *link) error {
		after, _, err := c.positionOf(ctx, l, at.Cursor)
		if err != nil {
			return err
		}
		answer, err := l.call(ctx, protocol.Request{Count: &protocol.Count{After: after, Types: []string{at.Subscription.eventType}}})
		if err == nil {
			events = answer.Counted.Events
		}
		return err
	})
	return events, err
}

// Close ends all subscriptions, with their cleanups, and detaches. It returns when that is done, or when ctx ends and no
// PreConsume runs any more, which is cut off then, with the first cleanup's error. What is called on the client afterwards fails.
func (c *Client) Close(ctx context.Context) error {
	var first error
	c.closeAll.Do(func() {
		c.mu.Lock()
		c.close()
		c.mu.Unlock()
		first = c.unsubscribeAll(ctx)
		c.awaitMaking(ctx)
		c.mu.Lock()
		l := c.link
		c.mu.Unlock()
		if l != nil {
			l.close()
		}
		c.losePatience()
		c.tending.Wait()
	})
	return first
}
