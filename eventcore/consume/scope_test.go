package consume_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// platform records what a key's PreConsume and cleanup do.
type platform struct {
	mu    sync.Mutex
	calls []string
	fail  string // a call that fails
}

func (p *platform) call(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, what)
	if what == p.fail {
		return errors.New("the platform says no")
	}
	return nil
}

func (p *platform) want(t *testing.T, calls ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.calls, calls) {
		t.Errorf("the platform saw %q, want %q", p.calls, calls)
	}
}

// key registers a key that is subscribed per box.
func (p *platform) key(t *testing.T) string {
	return register(t, eventcore.KeyDefinition{
		Key: "t.box", EventType: "t.box",
		Params: []eventcore.ParamDef{
			{Name: "box", Type: eventcore.ParamString, Description: "which", Default: "inbox", SubscriptionKey: true},
			{Name: "format", Type: eventcore.ParamString, Description: "how"},
		},
		PreConsume: func(_ context.Context, _ eventcore.APIClient, params map[string]string) (func() error, error) {
			if err := p.call("subscribe " + params["box"]); err != nil {
				return nil, err
			}
			return func() error { return p.call("unsubscribe " + params["box"]) }, nil
		},
	})
}

func unsubscribe(t *testing.T, c *consume.Client, sub *consume.Subscription, want consume.Cleanup) {
	t.Helper()
	if got, err := c.Unsubscribe(t.Context(), sub); got != want {
		t.Errorf("cleanup is %s (%v), want %s", got, err, want)
	}
}

func TestTheFirstSubscribesAndTheLastEndsIt(t *testing.T) {
	b, p := startBus(t), &platform{}
	key := p.key(t)
	one, two := newClient(t, b), newClient(t, b)
	a := subscribe(t, one, consume.Request{Key: key})
	same := subscribe(t, two, consume.Request{Key: key, Params: map[string]any{"format": "short"}})
	other := subscribe(t, two, consume.Request{Key: key, Params: map[string]any{"box": "sent"}})
	unsubscribe(t, two, same, consume.CleanupNotLast)
	unsubscribe(t, two, other, consume.CleanupDone)
	unsubscribe(t, one, a, consume.CleanupDone)
	p.want(t, "subscribe inbox", "subscribe sent", "unsubscribe sent", "unsubscribe inbox")
}

func TestTheLastOneCleansUpEvenIfItWasNotTheFirst(t *testing.T) {
	b, p := startBus(t), &platform{}
	key := p.key(t)
	one, two := newClient(t, b), newClient(t, b)
	a := subscribe(t, one, consume.Request{Key: key})
	later := subscribe(t, two, consume.Request{Key: key})
	unsubscribe(t, one, a, consume.CleanupNotLast)
	unsubscribe(t, two, later, consume.CleanupDone)
	p.want(t, "subscribe inbox", "subscribe inbox", "unsubscribe inbox")
}

func TestACleanupOfItsOwnSparesTheLastOneASubscription(t *testing.T) {
	b, p := startBus(t), &platform{}
	key := register(t, eventcore.KeyDefinition{
		Key: "t.box", EventType: "t.box",
		PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
			return func() error { return p.call("unsubscribe as the first") }, p.call("subscribe")
		},
		Cleanup: func(context.Context, eventcore.APIClient, map[string]string) error { return p.call("unsubscribe") },
	})
	one, two := newClient(t, b), newClient(t, b)
	a, later := subscribe(t, one, consume.Request{Key: key}), subscribe(t, two, consume.Request{Key: key})
	unsubscribe(t, one, a, consume.CleanupNotLast)
	unsubscribe(t, two, later, consume.CleanupDone)
	p.want(t, "subscribe", "unsubscribe")
}

func TestAFailedPreConsumeFailsTheSubscriptionOnly(t *testing.T) {
	b, p := startBus(t), &platform{fail: "subscribe sent"}
	key := p.key(t)
	c := newClient(t, b)
	for range 2 {
		if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: key, Params: map[string]any{"box": "sent"}}); err == nil {
			t.Fatal("the subscription was made")
		}
	}
	unsubscribe(t, c, subscribe(t, c, consume.Request{Key: key}), consume.CleanupDone)
	p.want(t, "subscribe sent", "subscribe sent", "subscribe inbox", "unsubscribe inbox")
}

// What was lost on the way may have been done all the same, and is there to be ended; what was refused is not.
func TestOnlyAPreConsumeWithoutAnAnswerIsTakenOver(t *testing.T) {
	for name, want := range map[string]struct {
		err      error
		orphaned int
	}{
		"refused":   {&eventcore.Error{Code: eventcore.CodePlatformError, Message: "no"}, 0},
		"no answer": {&eventcore.Error{Code: eventcore.CodePlatformError, Message: "no answer", Cause: eventcore.ErrNoAnswer}, 1},
		"cut off":   {context.DeadlineExceeded, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, outcome := startBus(t), want.err
			key := register(t, eventcore.KeyDefinition{
				Key: "t.box", EventType: "t.box",
				PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
					return nil, outcome
				},
			})
			c := newClient(t, b)
			if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: key}); !errors.Is(err, outcome) {
				t.Errorf("the subscription got %v", err)
			}
			status, err := c.Status(t.Context())
			if err != nil || len(status.Scopes) != want.orphaned || want.orphaned > 0 && !status.Scopes[0].Orphaned {
				t.Fatalf("the bus knows %+v, %v, want %d orphaned", status.Scopes, err, want.orphaned)
			}
			outcome = nil
			unsubscribe(t, c, subscribe(t, c, consume.Request{Key: key}), consume.CleanupDone)
			if status, err = c.Status(t.Context()); err != nil || len(status.Scopes) != 0 {
				t.Errorf("the bus knows %+v, %v", status.Scopes, err)
			}
		})
	}
}

func TestAFailedCleanupIsSaidAndTakenOver(t *testing.T) {
	b, p := startBus(t), &platform{fail: "unsubscribe inbox"}
	key := p.key(t)
	c := newClient(t, b)
	unsubscribe(t, c, subscribe(t, c, consume.Request{Key: key}), consume.CleanupFailed)
	status, err := c.Status(t.Context())
	if err != nil || len(status.Scopes) != 1 || !status.Scopes[0].Orphaned {
		t.Fatalf("status %+v, %v; want an orphaned scope", status, err)
	}
	p.fail = ""
	unsubscribe(t, c, subscribe(t, c, consume.Request{Key: key}), consume.CleanupDone)
	if status, err = c.Status(t.Context()); err != nil || len(status.Scopes) != 0 {
		t.Errorf("status %+v, %v; want no scope", status.Scopes, err)
	}
}

func TestAScopeWhoseBusDiedIsTakenOver(t *testing.T) {
	app, p := testutil.Home(t).App("cli_test"), &platform{}
	key := p.key(t)
	b := testutil.StartBus(t, app)
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: key})
	b.Stop()
	unsubscribe(t, c, sub, consume.CleanupFailed)

	// Another bus finds in the file what the first one left.
	testutil.StartBus(t, app)
	status, err := c.Status(t.Context())
	if err != nil || len(status.Scopes) != 1 || !status.Scopes[0].Orphaned {
		t.Fatalf("status %+v, %v; want an orphaned scope", status, err)
	}
	unsubscribe(t, c, subscribe(t, c, consume.Request{Key: key}), consume.CleanupDone)
	p.want(t, "subscribe inbox", "subscribe inbox", "unsubscribe inbox")
}

func TestComingAndGoingAtOnceKeepsPreConsumeAndCleanupBalanced(t *testing.T) {
	b, p := startBus(t), &platform{}
	key := p.key(t)
	var group sync.WaitGroup
	for range 8 {
		c := newClient(t, b)
		group.Go(func() {
			for range 20 {
				sub, _, err := c.Subscribe(t.Context(), consume.Request{Key: key})
				if err != nil {
					t.Error(err)
					return
				}
				if outcome, err := c.Unsubscribe(t.Context(), sub); err != nil {
					t.Errorf("%s: %v", outcome, err)
				}
			}
		})
	}
	group.Wait()
	// Between two unsubscriptions there is a subscription, and nothing is left subscribed.
	subscribed := false
	for i, call := range p.calls {
		if call == "unsubscribe inbox" && !subscribed {
			t.Fatalf("call %d of %d ends what is not there", i, len(p.calls))
		}
		subscribed = call == "subscribe inbox"
	}
	if subscribed {
		t.Error("the last call is a subscription")
	}
}

// endUntold ends a bus without telling its consumers that somebody wants it to end: it was refused, and makes way for
// other credentials.
func endUntold(t *testing.T, b *testutil.RunningBus) {
	t.Helper()
	b.Source.Sink().SetState(source.State{Phase: source.Failed})
	other := newClient(t, b, func(o *consume.Options) { o.Credentials = "other" })
	if _, err := other.Status(t.Context()); err == nil {
		t.Fatal("the bus does not end")
	}
	<-b.Done
}

func TestAClientGetsBackToABusThatWasRestarted(t *testing.T) {
	app, p := testutil.Home(t).App("cli_test"), &platform{}
	key := p.key(t)
	b := testutil.StartBus(t, app)
	var mu sync.Mutex
	c := newClient(t, b, func(o *consume.Options) {
		o.Start = func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			select {
			case <-b.Done:
				b = testutil.StartBus(t, app)
			default:
			}
			return nil
		}
	})
	sub := subscribe(t, c, consume.Request{Key: key})
	b.Source.Send(t, testutil.Events(1, 2, "t.box")...)
	first := read(t, c, at(sub), 1, 0)
	pages := make(chan *consume.Page)
	endUntold(t, b)
	go func() { pages <- read(t, c, []consume.At{{Subscription: sub, Cursor: first.Next[0]}}, 1, time.Minute) }()
	if page := <-pages; !slices.Equal(ids(page), wantIDs(2)) || page.Truncated {
		t.Errorf("after the restart: %v %+v", ids(page), page)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestABusThatWasToldToStopIsNotStartedByAReader(t *testing.T) {
	for name, end := range map[string]func(b *testutil.RunningBus) error{
		"by the stop command": func(b *testutil.RunningBus) error { return busctl.Stop(t.Context(), b.App) },
		"by a signal":         func(b *testutil.RunningBus) error { b.Stop(); return nil },
	} {
		t.Run(name, func(t *testing.T) { testNoReaderStartsABus(t, end) })
	}
}

func testNoReaderStartsABus(t *testing.T, end func(b *testutil.RunningBus) error) {
	b := startBus(t)
	starts := 0
	c := newClient(t, b, func(o *consume.Options) {
		o.Start = func(context.Context) error { starts++; return errors.New("started") }
	})
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	sub := subscribe(t, c, consume.Request{Key: key})
	if err := end(b); err != nil {
		t.Fatal(err)
	}
	<-b.Done
	_, err := c.Read(t.Context(), at(sub), consume.Limit{Events: 1}, time.Second)
	if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) || starts != 0 {
		t.Errorf("a read got %v after %d starts", err, starts)
	}
	if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: key, Filter: "true"}); err == nil || err.Error() != "started" {
		t.Errorf("a new subscription got %v, want it to start a bus", err)
	}
}

func TestSubscribingAgainRevivesASubscriptionWhoseBusWasStopped(t *testing.T) {
	b, p := startBus(t), &platform{}
	var started *testutil.RunningBus
	c := newClient(t, b, func(o *consume.Options) {
		o.Start = func(context.Context) error {
			if started == nil {
				started = testutil.StartBus(t, b.App)
			}
			return nil
		}
	})
	req := consume.Request{Key: p.key(t)}
	sub := subscribe(t, c, req)
	if err := busctl.Stop(t.Context(), b.App); err != nil {
		t.Fatal(err)
	}
	<-b.Done
	again, existed, err := c.Subscribe(t.Context(), req)
	if again != sub || !existed || err != nil || started == nil {
		t.Fatalf("subscribing again got the same one: %t, existed %t, error %v, bus started: %t", again == sub, existed, err, started != nil)
	}
	started.Source.Send(t, testutil.Event(1, "t.box"))
	if got := ids(read(t, c, at(sub), 1, time.Minute)); !slices.Equal(got, wantIDs(1)) {
		t.Errorf("the revived subscription reads %v", got)
	}
	unsubscribe(t, c, sub, consume.CleanupDone)
	p.want(t, "subscribe inbox", "subscribe inbox", "unsubscribe inbox")
}

func TestAScopeIsForgottenOnceItsKeyHasNoHooks(t *testing.T) {
	app, p := testutil.Home(t).App("cli_test"), &platform{fail: "unsubscribe inbox"}
	key := p.key(t)
	b := testutil.StartBus(t, app)
	c := newClient(t, b)
	unsubscribe(t, c, subscribe(t, c, consume.Request{Key: key}), consume.CleanupFailed)
	def, _ := eventcore.Lookup(key)
	eventcore.UnregisterKeyForTest(key)
	register(t, eventcore.KeyDefinition{Key: key, EventType: def.EventType, Params: def.Params})

	req := consume.Request{Key: key}
	one, two := newClient(t, b), newClient(t, b)
	ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
	defer end()
	for _, c := range []*consume.Client{one, two} {
		if _, _, err := c.Subscribe(ctx, req); err != nil {
			t.Fatalf("a consumer of the key without hooks got %v", err)
		}
	}
	if status, err := c.Status(t.Context()); err != nil || len(status.Scopes) != 0 {
		t.Errorf("status %+v, %v; want no scope", status, err)
	}
}

func TestASubscriptionThatCannotBeMadeAgainSaysSoAndIsTriedAgain(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	b := testutil.StartBus(t, app)
	var sub *consume.Subscription
	calls, third := 0, make(chan error)
	req := consume.Request{Key: register(t, eventcore.KeyDefinition{
		Key: "t.box", EventType: "t.box",
		PreConsume: func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) {
			switch calls++; calls {
			case 2:
				return nil, errors.New("the platform says no")
			case 3:
				third <- sub.Problem()
			}
			return func() error { return nil }, nil
		},
	})}
	start := sync.OnceFunc(func() { testutil.StartBus(t, app) })
	c := newClient(t, b, func(o *consume.Options) { o.Start = func(context.Context) error { start(); return nil } })
	sub = subscribe(t, c, req)
	endUntold(t, b)
	if problem := <-third; problem == nil || !strings.Contains(problem.Error(), "says no") {
		t.Errorf("while it is not made, its problem is %v", problem)
	}
	subscribe(t, c, req) // returns once it is made
	if problem := sub.Problem(); problem != nil {
		t.Errorf("once it is made, its problem is %v", problem)
	}
	unsubscribe(t, c, sub, consume.CleanupDone)
}
