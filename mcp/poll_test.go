package mcp

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestWaitingPollIsAnsweredWhenAnEventArrives(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		began := time.Now()
		waiting := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		time.Sleep(7 * time.Second)
		c.request("ping", nil) // a poll that waits holds up nobody
		consumer.publish(messageKey, `{"text":"one"}`)
		page := decode[pollResult](t, c.toolResult(waiting))
		if got := ids(page); !slices.Equal(got, []string{"e1"}) || time.Since(began) != 7*time.Second {
			t.Errorf("got %v after %v, want e1 after 7s", got, time.Since(began))
		}
		c.end()
	})
}

func TestWaitingPollEndsAfterItsTime(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey, "filter": "drop"})
		began := time.Now()
		waiting := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		time.Sleep(time.Second)
		consumer.publish(messageKey, `"drop"`)
		page := decode[pollResult](t, c.toolResult(waiting))
		if len(page.Events) != 0 || page.Filtered != 1 || time.Since(began) != 50*time.Second {
			t.Errorf("got %+v after %v, want an empty page with one event filtered after 50s", page, time.Since(began))
		}
		if next := c.poll(nil); next.Filtered != 0 {
			t.Errorf("the filtered event was looked at again: %+v", next)
		}
		c.end()
	})
}

func TestCancelledPollIsNotAnsweredAndConsumesNothing(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		waiting := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		synctest.Wait()
		c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + waiting + `}}`)
		synctest.Wait()
		consumer.publish(messageKey, `{"text":"one"}`)
		if got := ids(c.poll(nil)); !slices.Equal(got, []string{"e1"}) {
			t.Errorf("after the cancelled poll got %v, want e1", got)
		}
		synctest.Wait()
		select {
		case answer := <-c.answer(waiting):
			t.Errorf("the cancelled poll was answered: %s", answer)
		default:
		}
		c.end()
	})
}

// A cancellation that comes while the answer is being made either prevents the answer and the consumption, or
// comes too late for both.
func TestCancellationAndAnswerExcludeEachOther(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	c.subscribe(map[string]any{"key": messageKey})
	cancelled := 0
	for n := range 300 {
		want := []string{fmt.Sprintf("e%d", n+1)}
		waiting := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		var published sync.WaitGroup
		published.Go(func() { consumer.publish(messageKey, `1`) })
		c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + waiting + `}}`)
		published.Wait()
		rest := ids(c.poll(nil))
		var first []string
		if len(rest) == 0 {
			// The first poll has the event; its answer may come behind that of the second.
			first = ids(decode[pollResult](t, c.toolResult(waiting)))
		} else {
			cancelled++
		}
		select {
		case line := <-c.answer(waiting):
			t.Fatalf("round %d: the event came again: %s", n, line)
		default:
		}
		if got := slices.Concat(first, rest); !slices.Equal(got, want) {
			t.Fatalf("round %d: the poll got %v, the one after it %v; want %v once", n, first, rest, want)
		}
	}
	t.Logf("%d of 300 polls were cancelled in time", cancelled)
	c.end()
}

func TestConcurrentPollsShareTheEvents(t *testing.T) {
	registerKeys(t, messageDefinition())
	const polls, events = 8, 400
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	c.subscribe(map[string]any{"key": messageKey})
	go func() {
		for range events {
			consumer.publish(messageKey, `1`)
		}
	}()
	seen := map[string]int{}
	for len(seen) < events {
		var waiting []string
		for range polls {
			waiting = append(waiting, c.start("tools/call", toolCall("poll_events", map[string]any{"max_events": 3, "wait_seconds": 1})))
		}
		for _, id := range waiting {
			for _, event := range ids(decode[pollResult](t, c.toolResult(id))) {
				seen[event]++
			}
		}
	}
	for event, times := range seen {
		if times != 1 {
			t.Errorf("%s was returned by %d polls", event, times)
		}
	}
	c.end()
}

func TestPollOfAllReturnsTheSmallestCursor(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		first := c.subscribe(map[string]any{"key": messageKey})
		second := c.subscribe(map[string]any{"key": reactionKey})
		consumer.publish(messageKey, `1`, `2`)
		consumer.publish(reactionKey, `3`)
		// The first subscription is read up to e3, the second stays at the start.
		c.poll(map[string]any{"subscription_id": first.SubscriptionID})
		consumer.publish(reactionKey, `4`)
		page := c.poll(map[string]any{"max_events": 1})
		if got := ids(page); !slices.Equal(got, []string{"e3"}) || !page.HasMore {
			t.Errorf("got %v, more %v; want e3 and more", got, page.HasMore)
		}
		if cursor, _ := eventcore.ParseCursor(page.Cursor); cursor.After != 3 {
			t.Errorf("the page's cursor is at %d, want 3", cursor.After)
		}
		again := c.poll(map[string]any{"cursor": second.Cursor})
		if got := ids(again); !slices.Equal(got, []string{"e1", "e2", "e3", "e4"}) {
			t.Errorf("from the start got %v, want all", got)
		}
		c.end()
	})
}

func TestWaitNoticesSubscriptionsThatComeAndGo(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		first := c.subscribe(map[string]any{"key": messageKey})
		all := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		one := c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50, "subscription_id": first.SubscriptionID}))
		synctest.Wait()
		began := time.Now()
		c.subscribe(map[string]any{"key": reactionKey})
		c.tool("unsubscribe_event", map[string]any{"subscription_id": first.SubscriptionID})
		ended := decode[toolAnswer](t, c.await(one).Result)
		if !ended.IsError {
			t.Errorf("the poll of the ended subscription returned %s", ended.StructuredContent)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the end of the subscription was noticed after %v", took)
		}
		consumer.publish(reactionKey, `1`)
		if got := ids(decode[pollResult](t, c.toolResult(all))); !slices.Equal(got, []string{"e1"}) {
			t.Errorf("the poll of all got %v, want the event of the new subscription", got)
		}
		c.end()
	})
}

func TestPollSaysWhenRetentionPassedThePosition(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	c.subscribe(map[string]any{"key": messageKey})
	consumer.publish(messageKey, `1`, `2`, `3`)
	consumer.change(func(f *fakeConsumer) { f.oldest = 2 })
	page := c.poll(nil)
	if got := ids(page); !slices.Equal(got, []string{"e3"}) || !page.Truncated {
		t.Errorf("got %v, truncated %v; want e3, truncated", got, page.Truncated)
	}
	c.subscribe(map[string]any{"key": messageKey, "filter": "."}) // has lost nothing
	if again := c.poll(map[string]any{"cursor": "_0.j1"}); !again.Truncated {
		t.Errorf("reading from before the oldest event is not truncated: %+v", again)
	}
	status := decode[statusView](t, c.tool("event_status", nil))
	if len(status.Problems) != 1 || status.Problems[0].Code != problemTruncated {
		t.Errorf("problems are %+v, want truncated", status.Problems)
	}
	c.end()
}

func TestPollCountsWhatWasDeliveredOnce(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	sub := c.subscribe(map[string]any{"key": messageKey, "filter": "drop"})
	consumer.publish(messageKey, `1`, `"drop"`, `!2`)
	c.poll(nil)
	c.poll(map[string]any{"cursor": sub.Cursor})
	consumer.publish(messageKey, `4`)
	status := decode[statusView](t, c.tool("event_status", nil)).Subscriptions[0]
	if status.Delivered != 2 || status.Failed != 1 || status.Filtered != 1 || *status.Behind != 1 || status.LastEventAt != "2026-10-01T08:00:03.000Z" {
		t.Errorf("status is %+v with %d behind; want 2 delivered, 1 failed, 1 filtered, 1 behind", status, *status.Behind)
	}
	c.end()
}
