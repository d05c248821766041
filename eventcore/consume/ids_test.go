package consume_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestTheSameSubscriptionIsReturnedAgain(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	var group sync.WaitGroup
	var mu sync.Mutex
	made, found := 0, map[*consume.Subscription]bool{}
	for range 8 {
		group.Go(func() {
			sub, existed, err := c.Subscribe(t.Context(), consume.Request{Key: key})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			found[sub] = true
			if !existed {
				made++
			}
		})
	}
	group.Wait()
	if made != 1 || len(found) != 1 {
		t.Errorf("made %d, found %d different ones", made, len(found))
	}
}

// The fingerprints of both filters begin with the same 30 bits; they were found by trying.
func TestTwoSubscriptionsNeverShareAnID(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	one := subscribe(t, c, consume.Request{Key: key, Filter: "3172 != -1"})
	other := subscribe(t, c, consume.Request{Key: key, Filter: "27818 != -1"})
	if one == other || other.ID == one.ID || !strings.HasPrefix(other.ID, one.ID) {
		t.Errorf("the ids are %s and %s, want the second longer", one.ID, other.ID)
	}
	b.Source.Send(t, testutil.Event(1, "t.a"))
	for _, sub := range []*consume.Subscription{one, other} {
		if again := subscribe(t, c, consume.Request{Key: key, Filter: sub.Filter}); again != sub {
			t.Errorf("subscribing again to %s gives %s", sub.ID, again.ID)
		}
		if page := read(t, c, at(sub), 10, time.Minute); len(page.Events) != 1 || page.Events[0].Subscription != sub {
			t.Errorf("%s reads %+v", sub.ID, page)
		}
	}
	for sub, want := range map[*consume.Subscription]string{one: other.ID, other: one.ID} {
		if _, err := c.Unsubscribe(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
		if again := subscribe(t, c, consume.Request{Key: key, Filter: sub.Filter}); again.ID == want {
			t.Errorf("%s is given twice", want)
		}
	}
}

// Who ends a subscription a second time means the one that is gone, not the one that has its ID by now.
func TestEndingASubscriptionTwiceSparesTheNextOne(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	preparing, proceed := make(chan struct{}), make(chan struct{})
	key := register(t, eventcore.KeyDefinition{
		Key: "t.slow", EventType: "t.slow",
		PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
			preparing <- struct{}{}
			<-proceed
			return nil, nil
		},
	})
	made := make(chan *consume.Subscription, 1)
	begin := func() {
		go func() {
			sub, _, err := c.Subscribe(t.Context(), consume.Request{Key: key})
			if err != nil {
				t.Error(err)
			}
			made <- sub
		}()
		<-preparing
	}
	begin()
	proceed <- struct{}{}
	gone := <-made
	unsubscribe(t, c, gone, consume.CleanupDone)
	begin()
	unsubscribe(t, c, gone, consume.CleanupDone) // while the next one is being made
	proceed <- struct{}{}
	next := <-made
	unsubscribe(t, c, gone, consume.CleanupDone) // and once it is there
	if again := subscribe(t, c, consume.Request{Key: key}); again != next {
		t.Fatal("the next one has ended as well")
	}
	b.Source.Send(t, testutil.Event(1, "t.slow"))
	if page := read(t, c, at(next), 10, time.Minute); len(page.Events) != 1 {
		t.Errorf("the next one reads %+v", page)
	}
	unsubscribe(t, c, next, consume.CleanupDone)
}
