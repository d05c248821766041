package mcp

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// heldConsumer lets a test hold its calls up: each receives from its channel before it goes on, if there is one.
type heldConsumer struct {
	*fakeConsumer
	subscribe map[string]chan struct{} // by key
	cleanup   chan struct{}            // while the subscription is still there
	read      chan struct{}            // once it has the page
}

func (h *heldConsumer) Subscribe(ctx context.Context, req consume.Request) (*consume.Subscription, bool, error) {
	sub, existed, err := h.fakeConsumer.Subscribe(ctx, req)
	if hold := h.subscribe[req.Key]; hold != nil {
		<-hold
	}
	return sub, existed, err
}

func (h *heldConsumer) Unsubscribe(ctx context.Context, sub *consume.Subscription) (consume.Cleanup, error) {
	if h.cleanup != nil {
		<-h.cleanup
	}
	return h.fakeConsumer.Unsubscribe(ctx, sub)
}

func (h *heldConsumer) Read(ctx context.Context, at []consume.At, limit consume.Limit, wait time.Duration) (*consume.Page, error) {
	page, err := h.fakeConsumer.Read(ctx, at, limit, wait)
	if h.read != nil {
		<-h.read
	}
	return page, err
}

func TestEndingASubscriptionDoesNotWaitForOthers(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := &heldConsumer{fakeConsumer: newFakeConsumer(), subscribe: map[string]chan struct{}{reactionKey: make(chan struct{})}}
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		slow := c.start("tools/call", toolCall("subscribe_event", map[string]any{"key": reactionKey}))
		synctest.Wait()
		c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		close(consumer.subscribe[reactionKey])
		c.toolResult(slow)
		c.end()
	})
}

func TestNobodyIsGivenASubscriptionThatEnds(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := &heldConsumer{fakeConsumer: newFakeConsumer(), cleanup: make(chan struct{})}
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		ending := c.start("tools/call", toolCall("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID}))
		synctest.Wait()
		again := c.start("tools/call", toolCall("subscribe_event", map[string]any{"key": messageKey}))
		given := c.start("tools/call", toolCall("subscribe_event", map[string]any{"key": messageKey}))
		c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + given + `}}`)
		synctest.Wait() // both have the one that ends; the cancelled one is gone without it
		if n := len(c.answer(again)) + len(c.answer(ending)); n != 0 {
			t.Errorf("%d calls were answered before the cleanup", n)
		}
		close(consumer.cleanup)
		c.toolResult(ending)
		fresh := decode[subscribeResult](t, c.toolResult(again))
		consumer.publish(messageKey, `1`)
		if got := ids(c.poll(map[string]any{"subscription_id": fresh.SubscriptionID})); len(got) != 1 {
			t.Errorf("the subscription got %v, want the event", got)
		}
		consumer.change(func(f *fakeConsumer) {
			if len(f.subs) != 1 {
				t.Errorf("the consumer has %d subscriptions, want the fresh one", len(f.subs))
			}
		})
		c.end()
	})
}

// The consumer has returned the subscription before it ended, and the call comes to enter it afterwards.
func TestASubscriptionThatEndedOnTheWayIsMadeAgain(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		consumer := &heldConsumer{fakeConsumer: newFakeConsumer(), subscribe: map[string]chan struct{}{}}
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		synctest.Wait()
		consumer.subscribe[messageKey] = hold
		again := c.start("tools/call", toolCall("subscribe_event", map[string]any{"key": messageKey}))
		synctest.Wait()
		c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		close(hold)
		c.toolResult(again)
		consumer.change(func(f *fakeConsumer) {
			if len(f.subs) != 1 {
				t.Errorf("the consumer has %d subscriptions, want the one that was made again", len(f.subs))
			}
		})
		c.end()
	})
}

// A page of a subscription that ended meanwhile is nobody's, although the one that follows has the same id: its events
// would come again, and those from before it began were not asked for.
func TestAPageIsNotThatOfTheNextSubscriptionWithItsID(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := &heldConsumer{fakeConsumer: newFakeConsumer(), read: make(chan struct{})}
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, `1`)
		reading := c.start("tools/call", toolCall("poll_events", nil))
		synctest.Wait()
		c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		if next := c.subscribe(map[string]any{"key": messageKey}); next.SubscriptionID != sub.SubscriptionID {
			t.Fatalf("the next subscription is %s, want %s again", next.SubscriptionID, sub.SubscriptionID)
		}
		close(consumer.read)
		if got := ids(decode[pollResult](t, c.toolResult(reading))); len(got) != 0 {
			t.Errorf("the page has %v, from before the subscription began", got)
		}
		c.end()
	})
}

// Room was made between a call that found none and its end of what it had been given, which another call had as well.
func TestARefusalSparesWhatAnotherCallEntered(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		session := c.server.openSessions()[0]
		session.refuse(t.Context(), consumer, session.subs.all()[0].Subscription)
		if n := consumer.subscriptions(); n != 1 {
			t.Errorf("the consumer has %d subscriptions, want the one that the session has", n)
		}
		c.end()
	})
}

// A page that a cursor asked for is read again for the subscription that follows, whose next page then goes on behind it.
func TestAPageFromACursorIsReadForTheNextSubscriptionWithItsID(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := &heldConsumer{fakeConsumer: newFakeConsumer(), read: make(chan struct{})}
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, `1`)
		reading := c.start("tools/call", toolCall("poll_events", map[string]any{"cursor": sub.Cursor}))
		synctest.Wait()
		c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		if next := c.subscribe(map[string]any{"key": messageKey, "from": sub.Cursor}); next.SubscriptionID != sub.SubscriptionID {
			t.Fatalf("the next subscription is %s, want %s again", next.SubscriptionID, sub.SubscriptionID)
		}
		close(consumer.read)
		if got := ids(decode[pollResult](t, c.toolResult(reading))); len(got) != 1 {
			t.Errorf("the page has %v, want the event behind the cursor", got)
		}
		if got := ids(c.poll(nil)); len(got) != 0 {
			t.Errorf("the next page has %v, which came already", got)
		}
		c.end()
	})
}
