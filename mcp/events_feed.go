package mcp

import (
	"context"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// feed is one reader's hold on a subscription. It may be read from many goroutines at once, as many as reads says.
type feed struct {
	hub   *eventHub
	lane  *lane
	sub   *consume.Subscription
	reads int

	once     sync.Once
	released chan struct{} // closed when the hold is given up

	mu    sync.Mutex
	given eventcore.Cursor // how far its client has been given the events; unset before that is known
	seen  eventcore.Cursor // the furthest that polls ever were: what counts, counts once
}

// setGiven records that the client has been given, or told of, everything up to here.
func (f *feed) setGiven(to eventcore.Cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = to
}

// polled records and counts what the client is given by a poll.
func (f *feed) polled(page *consume.Page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, event := range page.Events {
		if isAfter(event.Cursor, f.seen) {
			f.hub.metrics.delivered(byPoll, f.sub.Key.Key, event.Received, event.Err != nil)
		}
	}
	f.given = page.Next[0]
	if isAfter(f.given, f.seen) {
		f.hub.metrics.filtered(byPoll, f.sub.Key.Key, page.Filtered[0])
		f.seen = f.given
	}
}

// reader returns the feed as the metrics see it.
func (f *feed) reader() reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	return reader{f.lane.consumer, consume.At{Subscription: f.sub, Cursor: f.given}}
}

// locate returns where a reading begins; see [consume.Client.Locate].
func (f *feed) locate(ctx context.Context, cursor *eventcore.Cursor, maxAge time.Duration) (eventcore.Cursor, bool, error) {
	return f.lane.consumer.Locate(ctx, f.sub, cursor, maxAge)
}

// read returns a page; see [consume.Client.Read].
func (f *feed) read(ctx context.Context, from eventcore.Cursor, limit int, wait time.Duration) (*consume.Page, error) {
	return f.lane.consumer.Read(ctx, []consume.At{{Subscription: f.sub, Cursor: from}}, consume.Limit{Events: limit}, wait)
}

// revive asks for what a held subscription has lost, as subscribing does: a bus, if it was stopped, and a connection that
// the platform refused. All feeds of the hub need the same, so that one of them asks in reviveInterval; for the others it
// does nothing.
func (f *feed) revive(ctx context.Context) error {
	f.hub.mu.Lock()
	due := time.Since(f.hub.revived) >= reviveInterval
	if due {
		f.hub.revived = time.Now()
	}
	f.hub.mu.Unlock()
	if !due {
		return nil
	}
	// What normalizes the params may give something else by now, which ends again unless another feed holds it.
	sub, _, err := f.lane.hold(ctx, consume.Request{Key: f.sub.Key.Key, Params: eventcore.TypedParams(f.sub.Key, f.sub.Params)})
	if err == nil {
		err = f.lane.unsubscribe(ctx, sub)
	}
	return err
}

// release gives the hold up, with a cleanup on the platform if it is the last. It waits for nothing; whoever wants to
// waits for released. A hub that closes ends what is held by itself.
func (f *feed) release() {
	f.once.Do(func() {
		f.hub.mu.Lock()
		defer f.hub.mu.Unlock()
		delete(f.hub.feeds, f)
		if f.hub.closed {
			close(f.released)
			return
		}
		f.hub.work.Go(func() {
			defer close(f.released)
			ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
			defer cancel()
			if err := f.lane.unsubscribe(ctx, f.sub); err != nil {
				f.hub.logger.Warn("a subscription could not be ended on the platform", "key", f.sub.Key.Key, "error", err)
			}
			f.hub.leave(f.lane, f.reads)
		})
	})
}
