package consume_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// counting is a key whose Process counts its calls and does what the test says.
func counting(t *testing.T, calls *atomic.Int64, process func(call int64) error) string {
	return register(t, eventcore.KeyDefinition{
		Key: "t.counted", EventType: "t.a", Workers: 4,
		Process: func(_ context.Context, _ eventcore.APIClient, raw *eventcore.RawEvent, _ map[string]string) (json.RawMessage, error) {
			if err := process(calls.Add(1)); err != nil {
				return nil, err
			}
			return raw.Payload, nil
		},
	})
}

func TestReadersThatWaitTogetherEachGetEveryEventInOrder(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	var calls atomic.Int64
	all := subscribe(t, c, consume.Request{Key: counting(t, &calls, func(int64) error { return nil })})
	const events, readers = 400, 12
	var reading sync.WaitGroup
	for n := range readers {
		reading.Go(func() {
			// Pages of different sizes take the readers apart, and back together at the end.
			var got []string
			for from := at(all); len(got) < events; {
				page, err := c.Read(t.Context(), from, consume.Limit{Events: 1 + n}, time.Hour)
				if err != nil || page.Truncated {
					t.Errorf("reader %d: %v %+v", n, err, page)
					return
				}
				got = append(got, ids(page)...)
				from[0].Cursor = page.Next[0]
			}
			var want []int
			for i := range events {
				want = append(want, i+1)
			}
			if !slices.Equal(got, wantIDs(want...)) {
				t.Errorf("reader %d got %v", n, got)
			}
		})
	}
	for first := 1; first <= events; first += 5 {
		b.Source.Send(t, testutil.Events(first, first+4, "t.a")...)
	}
	reading.Wait()
	t.Logf("%d readers of %d events: Process ran %d times", readers, events, calls.Load())
}

// waitTold is a context that tells when somebody waits for its end: a reader does so beside its wait for events.
type waitTold struct {
	context.Context
	tell func()
}

func (w waitTold) Done() <-chan struct{} {
	w.tell()
	return w.Context.Done()
}

func TestWhatReadersWaitForIsAskedAndProcessedOnce(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	var calls atomic.Int64
	sub := subscribe(t, c, consume.Request{Key: counting(t, &calls, func(int64) error { return nil })})
	const readers = 2 * protocol.MaxPending // more than a bus has under way for one consumer
	pages := make(chan []string, readers)
	var waiting sync.WaitGroup
	waiting.Add(readers)
	for range readers {
		go func() {
			page, err := c.Read(waitTold{t.Context(), sync.OnceFunc(waiting.Done)}, at(sub), consume.Limit{Events: 10}, time.Hour)
			if err != nil {
				t.Errorf("read: %v", err)
				pages <- nil
				return
			}
			pages <- ids(page)
		}()
	}
	waiting.Wait()
	b.Source.Send(t, testutil.Event(1, "t.a"))
	for range readers {
		if got := <-pages; !slices.Equal(got, wantIDs(1)) {
			t.Fatalf("a reader got %v", got)
		}
	}
	if n := calls.Load(); n > readers/10 {
		t.Errorf("Process ran %d times for %d readers of one event", n, readers)
	}
}

func TestAReaderThatGivesUpLeavesTheOthersWaiting(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})})
	// Whichever of them asked the bus, one is left for each of those that give up.
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp, pages := make(chan error), make(chan []string)
	for range 3 {
		go func() {
			_, err := c.Read(ctx, at(sub), consume.Limit{Events: 10}, time.Hour)
			gaveUp <- err
		}()
		go func() { pages <- ids(read(t, c, at(sub), 10, time.Hour)) }()
	}
	cancel()
	for range 3 {
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("a read that was cancelled: %v", err)
		}
	}
	b.Source.Send(t, testutil.Event(1, "t.a"))
	for range 3 {
		if got := <-pages; !slices.Equal(got, wantIDs(1)) {
			t.Errorf("a reader got %v", got)
		}
	}
}

func TestAReaderWhoseWaitIsShorterGoesOnBehindWhatWasLookedAt(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})})
	long := make(chan []string)
	go func() { long <- ids(read(t, c, at(sub), 10, time.Hour)) }()
	b.Source.Send(t, testutil.Events(1, 3, "t.other")...)
	page := read(t, c, at(sub), 10, 20*time.Millisecond)
	if len(page.Events) != 0 || page.Next[0].After <= sub.Start.After {
		t.Errorf("after events of another type it stands at %v, where it began: %+v", page.Next[0], page)
	}
	b.Source.Send(t, testutil.Event(4, "t.a"))
	if got := <-long; !slices.Equal(got, wantIDs(4)) {
		t.Errorf("the longer wait got %v", got)
	}
}

func TestAnEventThatFailedIsTriedAgainWhenItIsReadAgain(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	var calls atomic.Int64
	sub := subscribe(t, c, consume.Request{Key: counting(t, &calls, func(call int64) error {
		if call == 1 {
			return errors.New("the lookup failed")
		}
		return nil
	})})
	// Somebody waits behind the event all the time, so that what was read for all stays there.
	b.Source.Send(t, testutil.Event(1, "t.a"))
	first := read(t, c, at(sub), 10, time.Hour)
	if first.Events[0].Err == nil {
		t.Fatalf("the failure is not told: %+v", first.Events[0])
	}
	behind := make(chan []string)
	go func() {
		behind <- ids(read(t, c, []consume.At{{Subscription: sub, Cursor: first.Next[0]}}, 10, time.Hour))
	}()
	if again := read(t, c, at(sub), 10, time.Hour); again.Events[0].Err != nil {
		t.Errorf("read again: %v", again.Events[0].Err)
	}
	b.Source.Send(t, testutil.Event(2, "t.a"))
	<-behind
}
