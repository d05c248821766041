package consume_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

func TestACancelledSubscribeLeavesTheKeyToOthers(t *testing.T) {
	b, p := startBus(t), &platform{}
	key := p.key(t)
	cancelling, next := newClient(t, b), newClient(t, b)
	start := subscribe(t, cancelling, consume.Request{Key: key}).Start.String()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 30 {
		req := consume.Request{Key: key, Params: map[string]any{"box": fmt.Sprint(i)}, From: start}
		if _, _, err := cancelling.Subscribe(cancelled, req); err == nil {
			continue // it was made before the cancellation was seen
		}
		ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
		sub, _, err := next.Subscribe(ctx, req)
		end()
		if err != nil {
			t.Fatalf("box %d: the next consumer got %v", i, err)
		}
		awaitRead(t, cancelling)
		unsubscribe(t, next, sub, consume.CleanupDone)
	}
}

// awaitRead returns once the bus has read all that the client has sent: what a call that was cancelled takes back is not
// waited for.
func awaitRead(t *testing.T, c *consume.Client) {
	t.Helper()
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestASubscribeCancelledWhileItWaitsHoldsNothing(t *testing.T) {
	b := startBus(t)
	preparing, proceed := make(chan struct{}), make(chan struct{})
	key := register(t, eventcore.KeyDefinition{
		Key: "t.slow", EventType: "t.slow",
		PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
			close(preparing)
			<-proceed
			return func() error { return nil }, nil
		},
	})
	one, two := newClient(t, b), newClient(t, b)
	made := make(chan *consume.Subscription)
	go func() { made <- subscribe(t, one, consume.Request{Key: key}) }()
	<-preparing
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, _, err := two.Subscribe(ctx, consume.Request{Key: key})
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one got %v", err)
	}
	awaitRead(t, two)
	close(proceed)
	unsubscribe(t, one, <-made, consume.CleanupDone)
}
