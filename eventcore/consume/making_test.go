package consume_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// generous is what is given to something that comes at once.
const generous = time.Minute

// slowPlatform is a platform whose nth PreConsume, and each after it, waits until it may proceed or its context ends.
type slowPlatform struct {
	key       string
	preparing chan struct{} // has a token for each that waits
	proceed   chan struct{} // closed by proceedOnce
	cut       chan struct{} // has a token for each whose context ended first
	cleanedUp chan struct{} // has a token for each cleanup

	proceedOnce                     func()
	prepared, cleaned, inside, most atomic.Int64
}

func newSlowPlatform(t *testing.T, nth int64) *slowPlatform {
	p := &slowPlatform{preparing: make(chan struct{}, 1000), cut: make(chan struct{}, 1000), cleanedUp: make(chan struct{}, 1000), proceed: make(chan struct{})}
	p.proceedOnce = sync.OnceFunc(func() { close(p.proceed) })
	t.Cleanup(p.proceedOnce)
	var calls atomic.Int64
	p.key = register(t, eventcore.KeyDefinition{
		Key: "t.slow", EventType: "t.slow",
		Params: []eventcore.ParamDef{{Name: "box", Type: eventcore.ParamString, Description: "which", SubscriptionKey: true}},
		PreConsume: func(ctx context.Context, _ eventcore.APIClient, _ map[string]string) (func() error, error) {
			if calls.Add(1) >= nth {
				p.most.Store(max(p.most.Load(), p.inside.Add(1)))
				defer p.inside.Add(-1)
				p.preparing <- struct{}{}
				select {
				case <-ctx.Done():
					p.cut <- struct{}{}
					return nil, ctx.Err()
				case <-p.proceed:
				}
			}
			p.prepared.Add(1)
			return func() error {
				p.cleaned.Add(1)
				p.cleanedUp <- struct{}{}
				return nil
			}, nil
		},
	})
	return p
}

// begin subscribes in the background; the channel gets what comes of it.
func begin(ctx context.Context, c *consume.Client, req consume.Request) <-chan error {
	failed := make(chan error, 1)
	go func() {
		_, _, err := c.Subscribe(ctx, req)
		failed <- err
	}()
	return failed
}

// within returns what comes, which must not take longer than what is generous.
func within[T any](t *testing.T, what string, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(generous):
		t.Fatalf("%s: nothing came within %v", what, generous)
	}
	return got
}

// Who cancels does not wait for the platform, and what it was asked is ended there when it has answered.
func TestASubscribeCancelledInPreConsumeIsCleanedUp(t *testing.T) {
	b, p := startBus(t), newSlowPlatform(t, 1)
	c := newClient(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	failed := begin(ctx, c, consume.Request{Key: p.key})
	within(t, "PreConsume", p.preparing)
	cancel()
	if err := within(t, "the cancelled one", failed); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one got %v", err)
	}
	p.proceedOnce()
	within(t, "the cleanup", p.cleanedUp)
}

// What the platform was asked for one that was cancelled serves the next one to the same, if it comes in time.
func TestASubscribeCancelledInPreConsumeIsTakenOver(t *testing.T) {
	b, p := startBus(t), newSlowPlatform(t, 1)
	c := newClient(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	failed := begin(ctx, c, consume.Request{Key: p.key})
	within(t, "PreConsume", p.preparing)
	cancel()
	within(t, "the cancelled one", failed)
	next := begin(t.Context(), c, consume.Request{Key: p.key})
	for consume.Wanted(c) == 0 {
		runtime.Gosched()
	}
	p.proceedOnce()
	if err := within(t, "the next one", next); err != nil || p.prepared.Load() != 1 || p.cleaned.Load() != 0 {
		t.Errorf("the next one got %v; the platform was asked to subscribe %d times, to unsubscribe %d times", err, p.prepared.Load(), p.cleaned.Load())
	}
}

// Whoever takes over says where it begins, and is not told that somebody has it.
func TestWhatIsTakenOverBeginsWhereItsTakerSays(t *testing.T) {
	for name, c := range map[string]struct {
		first, second string
		waits         bool // the first still waits when the second comes
		events        int
	}{
		"older events": {"now", "earliest", false, 3}, "no older events": {"earliest", "now", false, 0},
		"no older events, of two that want none": {"now", "now", false, 0},
		"older events, of one that waits":        {"now", "earliest", true, 3}, "no older events, of one that waits": {"earliest", "now", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, p := startBus(t), newSlowPlatform(t, 1)
			client := newClient(t, b)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := begin(ctx, client, consume.Request{Key: p.key, From: c.first})
			within(t, "PreConsume", p.preparing)
			b.Source.Send(t, testutil.Events(1, 3, p.key)...)
			for arrived := time.Now(); !time.Now().Truncate(time.Millisecond).After(arrived); { // what the journal tells apart
				runtime.Gosched()
			}
			others := 0
			if c.waits {
				others = 1
			} else {
				cancel()
				within(t, "the cancelled one", failed)
			}
			got := make(chan *consume.Subscription, 1)
			go func() {
				sub, existed, err := client.Subscribe(t.Context(), consume.Request{Key: p.key, From: c.second})
				if existed || err != nil {
					t.Errorf("existed: %v, %v", existed, err)
				}
				got <- sub
			}()
			for consume.Wanted(client) == others {
				runtime.Gosched()
			}
			if c.waits {
				cancel()
				within(t, "the cancelled one", failed)
			}
			p.proceedOnce()
			if page := read(t, client, at(within(t, "the next one", got)), 10, 0); len(page.Events) != c.events {
				t.Errorf("it brings %d events, want %d", len(page.Events), c.events)
			}
		})
	}
}

// One that is there when whoever waited for it has gone is ended.
func TestASubscriptionThatNobodyTakesIsEnded(t *testing.T) {
	b, p := startBus(t), newSlowPlatform(t, 2)
	c := newClient(t, b)
	if err := consume.Untaken(t.Context(), c, consume.Request{Key: p.key}); err != nil {
		t.Fatal(err)
	}
	within(t, "the cleanup", p.cleanedUp)
}

func TestALostBusIsReplacedWhilePreConsumeIsSlow(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	p := newSlowPlatform(t, 2)
	var mu sync.Mutex
	b := testutil.StartBus(t, app)
	starts := make(chan *testutil.RunningBus, 10)
	c := consume.New(consume.Options{App: app, Name: "test", Start: func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		select {
		case <-b.Done:
			b = testutil.StartBus(t, app)
			starts <- b
		default:
		}
		return nil
	}})
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the buses may have gone by then
	subscribe(t, c, consume.Request{Key: p.key})
	endUntold(t, b)
	second := within(t, "the second bus", starts)
	within(t, "PreConsume", p.preparing)
	endUntold(t, second)
	within(t, "the third bus", starts)
}

// However often a client subscribes and cancels, few of its subscriptions are still with the platform, and none for long.
func TestSubscriptionsThatNobodyWaitsForAreFewAndEnd(t *testing.T) {
	const many, few = 100, 16
	b, p := startBus(t), newSlowPlatform(t, 1)
	c := newClient(t, b)
	for i := range many {
		ctx, cancel := context.WithCancel(t.Context())
		failed := begin(ctx, c, consume.Request{Key: p.key, Params: map[string]any{"box": fmt.Sprint(i)}})
		within(t, "PreConsume", p.preparing)
		cancel()
		within(t, "the cancelled one", failed)
	}
	for range many {
		within(t, "the end of a PreConsume", p.cut)
	}
	if most := p.most.Load(); most > few+1 {
		t.Errorf("the platform had %d calls at once", most)
	}
}

// One whose PreConsume succeeds just as it is cut off is left to the next consumer; nobody holds it.
func TestWhatIsCutOffIsHeldByNobody(t *testing.T) {
	const many = 60
	b := startBus(t)
	preparing, prepared, proceed := make(chan struct{}, many), make(chan struct{}, many), make(chan struct{})
	key := register(t, eventcore.KeyDefinition{
		Key: "t.slow", EventType: "t.slow",
		Params: []eventcore.ParamDef{{Name: "box", Type: eventcore.ParamString, Description: "which", SubscriptionKey: true}},
		PreConsume: func(ctx context.Context, _ eventcore.APIClient, _ map[string]string) (func() error, error) {
			preparing <- struct{}{}
			select {
			case <-ctx.Done():
			case <-proceed:
			}
			prepared <- struct{}{}
			return func() error { return nil }, nil
		},
	})
	c := newClient(t, b)
	for i := range many {
		ctx, cancel := context.WithCancel(t.Context())
		failed := begin(ctx, c, consume.Request{Key: key, Params: map[string]any{"box": fmt.Sprint(i)}})
		within(t, "PreConsume", preparing)
		cancel()
		within(t, "the cancelled one", failed)
	}
	close(proceed) // for the few that have time
	for range many {
		within(t, "the end of a PreConsume", prepared)
	}
	consume.AwaitMaking(c)
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range status.Scopes {
		if scope.Holders > 0 {
			t.Errorf("%s is held", scope.Identity)
		}
	}
}

// One that somebody gets while another one is giving it up is not counted among those that nobody waits for.
func TestWhatSomebodyGotIsNotAbandoned(t *testing.T) {
	b, p := startBus(t), newSlowPlatform(t, 2)
	c := newClient(t, b)
	if n, err := consume.GivenUpLate(t.Context(), c, consume.Request{Key: p.key}); n != 0 || err != nil {
		t.Errorf("%d are counted, %v", n, err)
	}
}

// The fingerprints of both boxes begin with the same 30 bits; they were found by trying.
func TestTwoSubscriptionsThatAreBeingMadeShareNoID(t *testing.T) {
	b, p := startBus(t), newSlowPlatform(t, 1)
	c := newClient(t, b)
	made := make(chan *consume.Subscription, 2)
	for _, box := range []string{"20951", "23716"} {
		go func() {
			sub, _, err := c.Subscribe(t.Context(), consume.Request{Key: p.key, Params: map[string]any{"box": box}})
			if err != nil {
				t.Error(err)
			}
			made <- sub
		}()
		within(t, "PreConsume", p.preparing)
	}
	p.proceedOnce()
	one, other := within(t, "the first", made), within(t, "the second", made)
	if one != nil && other != nil && one.ID == other.ID {
		t.Errorf("both are %s", one.ID)
	}
}
