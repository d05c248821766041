package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// laneReads bounds the reads of the feeds that share a consumer, if all are under way at once. A bus answers
// protocol.MaxPending requests of one consumer at once.
const laneReads = 100

// reviveInterval is the shortest time between two attempts to get back what the platform refused, or a user stopped.
const reviveInterval = 30 * time.Second

// eventHub opens the feeds of the extension's polls, streams and webhooks. They share nothing with the tools'
// subscriptions: a consumer gives the same subscription to whoever asks for the same, and unsubscribe_event of one
// client must not end the stream of another. It makes consumers as they are needed, and closes those that nobody needs.
type eventHub struct {
	newConsumer func() (Consumer, error)
	metrics     *metrics
	logger      *slog.Logger

	mu     sync.Mutex
	closed bool
	lanes  []*lane
	feeds  map[*feed]bool // that are not released
	leases map[leaseKey]*lease
	// revived is when a feed asked last for what was lost; see [feed.revive].
	revived time.Time
	work    sync.WaitGroup // feeds that are being released
	leaving sync.WaitGroup // lanes that are being closed, as long as patience lasts
	// patience ends with the time that there is to close the hub.
	patience     context.Context
	losePatience context.CancelFunc
}

// lane is one consumer, and the feeds that share it.
type lane struct {
	consumer Consumer
	reads    int // that its feeds, open or being opened, may have under way at once; guarded by the hub's mu
	endings  *endings
	held     map[*consume.Subscription]int // feeds by subscription; guarded by endings
}

func newEventHub(newConsumer func() (Consumer, error), counts *metrics, logger *slog.Logger) *eventHub {
	h := &eventHub{newConsumer: newConsumer, metrics: counts, logger: logger, feeds: map[*feed]bool{}, leases: map[leaseKey]*lease{}}
	h.patience, h.losePatience = context.WithCancel(context.Background())
	return h
}

// open subscribes, and returns a feed that holds the subscription until it is released. A key for one consumer has one
// feed: the second is refused. The feed may have so many reads under way at once.
func (h *eventHub) open(ctx context.Context, in interest, reads int) (*feed, error) {
	l, err := h.enter(reads)
	if err != nil {
		return nil, err
	}
	req := consume.Request{Key: in.def.Key, Params: in.given}
	if in.cursor != nil {
		req.From = in.cursor.String()
	}
	sub, err := l.subscribe(ctx, req)
	if err != nil {
		h.leave(l, reads)
		return nil, err
	}
	f := &feed{hub: h, lane: l, sub: sub, reads: reads, released: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeds[f] = true
	return f, nil
}

// readers are those of the feeds: streams, polls until their lease ends, webhooks.
func (h *eventHub) readers() []reader {
	h.mu.Lock()
	defer h.mu.Unlock()
	readers := make([]reader, 0, len(h.feeds))
	for f := range h.feeds {
		readers = append(readers, f.reader())
	}
	return readers
}

// enter returns a lane with room for one more feed with so many reads.
func (h *eventHub) enter(reads int) (*lane, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &eventcore.Error{Code: eventcore.CodeBusUnavailable, Message: "the server is ending", Hint: "start it again"}
	}
	for _, l := range h.lanes {
		if l.reads+reads <= laneReads {
			l.reads += reads
			return l, nil
		}
	}
	consumer, err := h.newConsumer()
	if err != nil {
		return nil, err
	}
	l := &lane{consumer: consumer, reads: reads, endings: newEndings(), held: map[*consume.Subscription]int{}}
	h.lanes = append(h.lanes, l)
	return l, nil
}

// leave takes a feed out of its lane, and closes the lane behind the last one, for which it does not wait: the platform
// may still be asked for what was cancelled.
func (h *eventHub) leave(l *lane, reads int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.reads -= reads; l.reads > 0 || h.closed {
		return
	}
	h.lanes = slices.DeleteFunc(h.lanes, func(other *lane) bool { return other == l })
	h.leaving.Go(func() { l.close(h.patience, h.logger) })
}

// subscribe returns a subscription with one more feed that holds it, the only one of a key for one consumer.
func (l *lane) subscribe(ctx context.Context, req consume.Request) (*consume.Subscription, error) {
	sub, holders, err := l.hold(ctx, req)
	if err != nil || !sub.Key.SingleConsumer || holders == 1 {
		return sub, err
	}
	if err := l.unsubscribe(ctx, sub); err != nil {
		return nil, err
	}
	return nil, &eventcore.Error{Code: eventcore.CodeSingleConsumer,
		Message: fmt.Sprintf("%s can have one consumer, and this server follows it already", req.Key),
		Hint:    "end the other stream, webhook or polling first; a poll's hold ends " + leaseTime.String() + " after the last one"}
}

// hold takes hold of a subscription, and returns how many hold it with that.
func (l *lane) hold(ctx context.Context, req consume.Request) (sub *consume.Subscription, holders int, err error) {
	done := l.endings.begin()
	defer done()
	for {
		if sub, _, err = l.consumer.Subscribe(ctx, req); err != nil {
			return nil, 0, err
		}
		entered, err := l.endings.enter(ctx, sub, func() {
			l.held[sub]++
			holders = l.held[sub]
		})
		if entered || err != nil {
			return sub, holders, err
		}
	}
}

var errHeld = errors.New("other feeds hold the subscription")

// unsubscribe takes a feed off its subscription, which ends with the last one.
func (l *lane) unsubscribe(ctx context.Context, sub *consume.Subscription) error {
	over, err := l.endings.end(func() (*consume.Subscription, error) {
		if l.held[sub]--; l.held[sub] > 0 {
			return nil, errHeld
		}
		delete(l.held, sub)
		return sub, nil
	})
	if err != nil {
		return nil
	}
	defer over()
	_, err = l.consumer.Unsubscribe(ctx, sub)
	return err
}

func (l *lane) close(ctx context.Context, logger *slog.Logger) {
	if err := l.consumer.Close(ctx); err != nil {
		logger.Warn("the subscriptions of events/poll, events/stream and webhooks could not all be ended", "error", err)
	}
}

// close ends all subscriptions, with their cleanups, and closes the consumers. It returns when that is done or ctx ends.
// No feed can be opened any more.
func (h *eventHub) close(ctx context.Context) {
	h.mu.Lock()
	h.closed = true
	lanes := h.lanes
	h.lanes = nil
	for _, l := range h.leases {
		l.timer.Stop()
	}
	clear(h.leases)
	clear(h.feeds)
	h.mu.Unlock()
	defer h.losePatience()
	defer context.AfterFunc(ctx, h.losePatience)()
	waitOr(ctx, &h.work)
	var closing sync.WaitGroup
	for _, l := range lanes {
		closing.Go(func() { l.close(ctx, h.logger) })
	}
	closing.Wait()
	waitOr(ctx, &h.leaving)
}

// normalize returns the arguments of an interest resolved and normalized; see [consume.Client.Normalize].
func (h *eventHub) normalize(ctx context.Context, in interest) (map[string]string, error) {
	l, err := h.enter(1)
	if err != nil {
		return nil, err
	}
	defer h.leave(l, 1)
	return l.consumer.Normalize(ctx, in.def.Key, in.given)
}
