package mcp

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// closingSlowly is a consumer that refuses to subscribe, and waits for the platform when it is closed.
type closingSlowly struct {
	*fakeConsumer
	closing, proceed chan struct{}
}

func (c *closingSlowly) Subscribe(context.Context, consume.Request) (*consume.Subscription, bool, error) {
	return nil, false, context.Canceled
}

func (c *closingSlowly) Close(context.Context) error {
	close(c.closing)
	<-c.proceed
	return nil
}

// closesWith is a consumer that tells with which context it is closed.
type closesWith struct {
	*fakeConsumer
	ended chan error
}

func (c closesWith) Close(ctx context.Context) error {
	c.ended <- ctx.Err()
	return nil
}

// What was cancelled does not wait for what the platform was asked; the server does when it ends, and closes the others
// meanwhile.
func TestACancelledFeedDoesNotWaitForThePlatform(t *testing.T) {
	registerKeys(t, reactionDefinition())
	synctest.Test(t, func(t *testing.T) {
		slow := &closingSlowly{newFakeConsumer(), make(chan struct{}), make(chan struct{})}
		other := closesWith{newFakeConsumer(), make(chan error, 1)}
		consumers := []Consumer{slow, other}
		hub := newEventHub(func() (Consumer, error) {
			next := consumers[0]
			consumers = consumers[1:]
			return next, nil
		}, new(metrics), slog.New(slog.DiscardHandler))
		in, err := newInterest(reactionKey, nil, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hub.open(t.Context(), in, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("the feed gets %v", err)
		}
		<-slow.closing
		if _, err := hub.open(t.Context(), in, 1); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			hub.close(t.Context())
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("the hub is closed while a consumer waits for the platform")
		default:
		}
		select {
		case err := <-other.ended:
			if err != nil {
				t.Errorf("the other consumer had no time: %v", err)
			}
		default:
			t.Error("the other consumer has to wait")
		}
		close(slow.proceed)
		<-closed
	})
}
