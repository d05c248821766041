package lark_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/lark"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// faultPatience bounds every wait for something that should happen; nothing waits this long unless it is broken.
const faultPatience = 2 * time.Minute

// faultKey listens to messages.
const faultKey = "fault.message"

// registerFaultKey makes messages something to subscribe to.
var registerFaultKey = sync.OnceFunc(func() {
	eventcore.RegisterKey(eventcore.KeyDefinition{
		Key: faultKey, EventType: "im.message.receive_v1",
		Schema: eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Raw: []byte(`{"type":"object"}`)}},
	})
})

// rig is a platform and a bus that is connected to it, with an agent that reads all the time.
type rig struct {
	t        *testing.T
	platform *larksim.Platform
	app      statedir.App
	bus      *testutil.RunningBus
	// connections are how many the bus holds: one as it should be.
	connections int

	receipts []*larksim.Receipt
	sent     []string // the ids of the events, each once

	client *consume.Client
	stop   context.CancelFunc
	read   chan struct{} // closed when the agent has stopped
	seen   []string      // by the agent, in its order; once read is closed
}

const (
	// prompt is how long the platform waits for the answer to a small event. What comes in a burst after a reconnect must
	// be answered within it on a slow machine, or is sent again, and again, beside what comes anew.
	prompt = 2 * time.Second
	// maxUnsettled is how many events may wait for their acknowledgement before no more are sent.
	maxUnsettled = 200
)

// often is a redelivery that never gives up.
var often = slices.Repeat([]time.Duration{300 * time.Millisecond}, 20_000)

// newRig starts a platform with these options, and a bus with this many connections to it.
func newRig(t *testing.T, connections int, options larksim.Options) *rig {
	t.Helper()
	registerFaultKey()
	options.ReconnectInterval = time.Second
	platform, err := larksim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Close)
	r := &rig{t: t, platform: platform, app: testutil.Home(t).App(platform.AppID()), connections: connections, read: make(chan struct{})}
	r.startBus()
	r.awaitConnected()
	r.startAgent()
	return r
}

// sources are several connections of one bus, which the platform takes for those of several machines.
type sources []source.Source

func (s sources) Run(ctx context.Context, sink source.Sink) error {
	var running sync.WaitGroup
	defer running.Wait()
	errs := make(chan error, len(s))
	for _, one := range s {
		running.Go(func() { errs <- one.Run(ctx, sink) })
	}
	return <-errs
}

func (r *rig) startBus() {
	r.t.Helper()
	var all sources
	for range r.connections {
		all = append(all, lark.New(lark.Options{AppID: r.platform.AppID(), AppSecret: r.platform.AppSecret(), BaseURL: r.platform.URL()}))
	}
	r.bus = testutil.StartBus(r.t, r.app, func(o *bus.Options) { o.Source = all })
}

func (r *rig) within() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), faultPatience)
	r.t.Cleanup(cancel)
	return ctx
}

func (r *rig) awaitConnected() {
	r.t.Helper()
	if err := r.platform.AwaitConnections(r.within(), r.connections); err != nil {
		r.t.Fatalf("the connection did not come (back): %v; %+v", err, r.platform.Counts())
	}
}

// awaitOpened waits until so many connections were opened.
func (r *rig) awaitOpened(n int) {
	r.t.Helper()
	if err := r.platform.AwaitCounts(r.within(), func(c larksim.Counts) bool { return c.Opened >= n }); err != nil {
		r.t.Fatalf("the connection did not come back: %v; %+v", err, r.platform.Counts())
	}
}

// startAgent reads everything from the beginning on, page after page, until stop.
func (r *rig) startAgent() {
	r.t.Helper()
	r.client = consume.New(consume.Options{App: r.app, Name: "fault"})
	sub, _, err := r.client.Subscribe(r.t.Context(), consume.Request{Key: faultKey, From: "earliest"})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		defer close(r.read)
		r.seen = r.follow(ctx, sub)
	}()
	r.t.Cleanup(func() {
		stop()
		<-r.read
		r.client.Close(context.Background())
	})
}

// follow reads until it has read everything and ctx has ended, and returns the ids of what it read.
func (r *rig) follow(ctx context.Context, sub *consume.Subscription) (seen []string) {
	at := consume.At{Subscription: sub, Cursor: sub.Start}
	for {
		ending := ctx.Err() != nil
		wait := time.Second
		if ending {
			wait = 0
		}
		page, err := r.client.Read(context.Background(), []consume.At{at}, consume.Limit{Events: consume.MaxPage}, wait)
		if err != nil {
			if ending {
				return seen
			}
			if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) {
				r.t.Errorf("read: %v", err)
			}
			continue // the bus is being started again
		}
		if page.Truncated {
			r.t.Errorf("after %d events, some were gone", len(seen))
		}
		for _, e := range page.Events {
			seen = append(seen, e.EventID)
		}
		if at.Cursor = page.Next[0]; ending && len(page.Events) == 0 {
			return seen
		}
	}
}

// send lets somebody write a message, put on the wire in this way.
func (r *rig) send(text string, how larksim.Delivery) {
	receipt := r.platform.SendAs(larksim.Text(larksim.Ada, larksim.Engineering, text), how)
	r.sent, r.receipts = append(r.sent, receipt.EventID), append(r.receipts, receipt)
}

// load sends messages all the time, until the function that it returns is called. how may be nil.
func (r *rig) load(how func(n int) larksim.Delivery) (end func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		for n := 0; ; n++ {
			var delivery larksim.Delivery
			if how != nil {
				delivery = how(n)
			}
			if c := r.platform.Counts(); c.Sent-c.Acked < maxUnsettled {
				r.send("under load", delivery)
			}
			select {
			case <-pace.C:
			case <-ended:
				return
			}
		}
	}()
	end = sync.OnceFunc(func() {
		close(ended)
		<-done
	})
	r.t.Cleanup(end)
	return end
}

// check waits until everything that was sent is acknowledged, and fails unless each event was journaled once, and seen
// once by an agent that read along, in the same order as by one that reads afterwards.
func (r *rig) check() {
	t := r.t
	t.Helper()
	for _, receipt := range r.receipts {
		if outcome, err := receipt.Wait(r.within()); err != nil || !outcome.Acknowledged {
			t.Fatalf("event %s was not acknowledged: %+v, %v; %+v", receipt.EventID, outcome, err, r.platform.Counts())
		}
	}
	status, err := r.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := r.afterwards()
	r.stop()
	<-r.read
	if !slices.Equal(r.seen, after) {
		t.Errorf("the agent that read along saw %d events, not the %d in their order that one sees who reads afterwards", len(r.seen), len(after))
	}
	counted := map[string]int{}
	for _, id := range after {
		counted[id]++
	}
	for _, id := range r.sent {
		if counted[id] != 1 {
			t.Errorf("event %s was acknowledged, and read %d times", id, counted[id])
		}
	}
	if status.Journal.Events != len(r.sent) || len(after) != len(r.sent) {
		t.Errorf("%d events were sent, %d journaled, %d read", len(r.sent), status.Journal.Events, len(after))
	}
	c := r.platform.Counts()
	t.Logf("%d events sent (%d deliveries, %d unanswered, %d refused, %d unreachable), %d acknowledgements; %d journaled, %d read along and %d afterwards; %d connections",
		len(r.sent), c.Delivered, c.TimedOut, c.Refused, c.Unreachable, c.Acked, status.Journal.Events, len(r.seen), len(after), c.Opened)
}

// afterwards reads the journal from its beginning.
func (r *rig) afterwards() []string {
	r.t.Helper()
	sub, _, err := r.client.Subscribe(r.t.Context(), consume.Request{Key: faultKey, From: "earliest"})
	if err != nil {
		r.t.Fatal(err)
	}
	var seen []string
	at := consume.At{Subscription: sub, Cursor: eventcore.Cursor{Journal: sub.Start.Journal}}
	for {
		page, err := r.client.Read(r.t.Context(), []consume.At{at}, consume.Limit{Events: consume.MaxPage}, 0)
		if err != nil || page.Truncated {
			r.t.Fatal(errors.Join(err, errors.New("the journal cannot be read from its beginning")))
		}
		for _, e := range page.Events {
			seen = append(seen, e.EventID)
		}
		if at.Cursor = page.Next[0]; !page.HasMore {
			return seen
		}
	}
}
