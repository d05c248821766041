package consume_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// A client that is closed while a subscription is being made ends it on the platform before it returns.
func TestClosingEndsWhatIsBeingSubscribed(t *testing.T) {
	b, p := startBus(t), newSlowPlatform(t, 1)
	c := consume.New(consume.Options{App: b.App, Name: "test"})
	failed := begin(t.Context(), c, consume.Request{Key: p.key})
	within(t, "PreConsume", p.preparing)
	closed := make(chan error, 1)
	go func() { closed <- c.Close(t.Context()) }()
	if err := within(t, "the subscribe", failed); eventcore.AsError(err).Code != eventcore.CodeBusUnavailable {
		t.Errorf("the subscribe got %v", err)
	}
	p.proceedOnce()
	if err := within(t, "Close", closed); err != nil || p.cleaned.Load() != 1 {
		t.Errorf("Close returned %v when the platform had been asked to unsubscribe %d times", err, p.cleaned.Load())
	}
	if status, err := newClient(t, b).Status(t.Context()); err != nil || len(status.Scopes) != 0 {
		t.Errorf("the bus knows %+v, %v", status, err)
	}
	if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: p.key}); eventcore.AsError(err).Code != eventcore.CodeBusUnavailable {
		t.Errorf("a closed client's subscribe got %v", err)
	}
}

func TestClosingCutsOffWhatIsBeingSubscribed(t *testing.T) {
	for name, nth := range map[string]int64{"the first time": 1, "with a new bus": 2} {
		t.Run(name, func(t *testing.T) {
			app := testutil.Home(t).App("cli_test")
			b, p := testutil.StartBus(t, app), newSlowPlatform(t, nth)
			start := sync.OnceFunc(func() { testutil.StartBus(t, app) })
			c := consume.New(consume.Options{App: app, Name: "test", Start: func(context.Context) error { start(); return nil }})
			made := begin(t.Context(), c, consume.Request{Key: p.key})
			if nth > 1 {
				if err := within(t, "the subscription", made); err != nil {
					t.Fatal(err)
				}
				endUntold(t, b)
			}
			within(t, "PreConsume", p.preparing)
			ctx, cancel := context.WithCancel(t.Context())
			closed := make(chan error, 1)
			go func() { closed <- c.Close(ctx) }()
			cancel()
			within(t, "Close", closed)
		})
	}
}

// Nobody is kept by what the platform is asked to make a subscription again with a new bus.
func TestCallsEndWhileASubscriptionIsMadeAgain(t *testing.T) {
	for name, call := range map[string]func(context.Context, *consume.Client, *consume.Subscription) error{
		"Subscribe": func(ctx context.Context, c *consume.Client, sub *consume.Subscription) error {
			_, _, err := c.Subscribe(ctx, consume.Request{Key: sub.Key.Key})
			return err
		},
		"Unsubscribe": func(ctx context.Context, c *consume.Client, sub *consume.Subscription) error {
			_, err := c.Unsubscribe(ctx, sub)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := testutil.Home(t).App("cli_test")
			b, p := testutil.StartBus(t, app), newSlowPlatform(t, 2)
			start := sync.OnceFunc(func() { testutil.StartBus(t, app) })
			c := newClient(t, b, func(o *consume.Options) { o.Start = func(context.Context) error { start(); return nil } })
			sub := subscribe(t, c, consume.Request{Key: p.key})
			endUntold(t, b)
			within(t, "PreConsume", p.preparing)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- call(ctx, c, sub) }()
			cancel()
			if err := within(t, name, ended); !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
			p.proceedOnce()
			if name == "Subscribe" {
				if _, err := c.Unsubscribe(t.Context(), sub); err != nil {
					t.Error(err)
				}
			}
			within(t, "the cleanup", p.cleanedUp)
		})
	}
}

// A cleanup that nobody waits for any more ends no subscription that others make meanwhile: they wait for it, and so does
// Close.
func TestACleanupThatIsCutOffEndsNothingOfOthers(t *testing.T) {
	for name, closes := range map[string]bool{"of a client that stays": false, "of one that is closed": true} {
		t.Run(name, func(t *testing.T) { aCleanupThatIsCutOff(t, closes) })
	}
}

func aCleanupThatIsCutOff(t *testing.T, closes bool) {
	b := startBus(t)
	// The other cleans up, too.
	cleaning, finish, finished := make(chan struct{}, 2), make(chan struct{}), make(chan struct{}, 2)
	var subscribed atomic.Bool
	key := register(t, eventcore.KeyDefinition{
		Key: "t.slow", EventType: "t.slow",
		PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
			subscribed.Store(true)
			return func() error {
				cleaning <- struct{}{}
				<-finish
				subscribed.Store(false)
				finished <- struct{}{}
				return nil
			}, nil
		},
	})
	one, other := consume.New(consume.Options{App: b.App, Name: "test"}), newClient(t, b)
	closed := make(chan error, 1)
	sub := subscribe(t, one, consume.Request{Key: key})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := one.Unsubscribe(ctx, sub)
		ended <- err
	}()
	within(t, "the cleanup", cleaning)
	cancel()
	if err := within(t, "Unsubscribe", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Unsubscribe ends with %v", err)
	}
	if closes {
		go func() { closed <- one.Close(t.Context()) }()
	}
	next := begin(t.Context(), other, consume.Request{Key: key})
	for consume.Wanted(other) == 0 {
		runtime.Gosched()
	}
	for range 20 { // time enough for what must not happen
		if _, err := other.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(finish)
	within(t, "the end of the cleanup", finished)
	if err := within(t, "the other's", next); err != nil || !subscribed.Load() {
		t.Errorf("the other's subscription is on the platform: %v, %v", subscribed.Load(), err)
	}
	if !closes {
		closed <- one.Close(t.Context())
	}
	if err := within(t, "Close", closed); err != nil {
		t.Error(err)
	}
}

// One that the platform refuses to make again cannot be ended in an orderly way, and the reason is the platform's.
func TestEndingASubscriptionThatCouldNotBeMadeAgain(t *testing.T) {
	app, p := testutil.Home(t).App("cli_test"), &platform{}
	key, b := p.key(t), testutil.StartBus(t, app)
	start := sync.OnceFunc(func() { testutil.StartBus(t, app) })
	c := newClient(t, b, func(o *consume.Options) { o.Start = func(context.Context) error { start(); return nil } })
	sub := subscribe(t, c, consume.Request{Key: key})
	p.mu.Lock()
	p.fail = "subscribe inbox"
	p.mu.Unlock()
	endUntold(t, b)
	read(t, c, at(sub), 1, 0) // there is a bus again
	if outcome, err := c.Unsubscribe(t.Context(), sub); outcome != consume.CleanupFailed || err == nil || !strings.Contains(err.Error(), "the platform says no") {
		t.Errorf("it ended with %s, %v", outcome, err)
	}
}
