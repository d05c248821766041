package lark

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// patience bounds every wait for something that should happen; nothing waits this long unless it is broken.
const patience = 30 * time.Second

// recorder is a sink that takes events as the test tells it to, and keeps what it is told.
type recorder struct {
	events chan source.Event
	// take decides about an event at once; nil leaves it to the test, through events.
	take func(source.Event)

	mu        sync.Mutex
	states    []source.State
	malformed []string
	acks      []time.Duration
	changed   chan struct{}
}

func newRecorder() *recorder {
	return &recorder{events: make(chan source.Event), changed: make(chan struct{}, 1)}
}

func (r *recorder) Deliver(ctx context.Context, event source.Event) error {
	if r.take != nil {
		r.take(event)
		return nil
	}
	select {
	case r.events <- event:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *recorder) SetState(state source.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, state)
	r.signal()
}

func (r *recorder) Malformed(detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.malformed = append(r.malformed, detail)
	r.signal()
}

func (r *recorder) Acknowledged(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acks = append(r.acks, took)
	r.signal()
}

func (r *recorder) signal() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *recorder) history() []source.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]source.State(nil), r.states...)
}

func (r *recorder) complaints() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.malformed...)
}

// awaitState waits for a state that satisfies want and returns it.
func (r *recorder) awaitState(t *testing.T, want func(source.State) bool) source.State {
	t.Helper()
	limit := time.After(patience)
	for {
		for _, state := range r.history() {
			if want(state) {
				return state
			}
		}
		select {
		case <-r.changed:
		case <-limit:
			t.Fatalf("the awaited state did not come; states so far: %+v", r.history())
		}
	}
}

// awaitMalformed waits for n complaints and returns them.
func (r *recorder) awaitMalformed(t *testing.T, n int) []string {
	t.Helper()
	limit := time.After(patience)
	for {
		if got := r.complaints(); len(got) >= n {
			return got
		}
		select {
		case <-r.changed:
		case <-limit:
			t.Fatalf("%d malformed bodies did not come; so far: %q", n, r.complaints())
		}
	}
}

// next returns the event that is delivered next.
func (r *recorder) next(t *testing.T) source.Event {
	t.Helper()
	select {
	case event := <-r.events:
		return event
	case <-time.After(patience):
		t.Fatal("no event was delivered")
		return source.Event{}
	}
}

// logs collects what is logged, at every level.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug - 10}))
}

// session is a source that runs against a simulated platform until the test ends.
type session struct {
	platform *larksim.Platform
	sink     *recorder
	logs     *logs
	cancel   context.CancelFunc
	done     chan struct{}
	err      error // once done is closed
}

// start runs a source against a platform with these options; adjust may change the source's.
func start(t *testing.T, platform larksim.Options, adjust ...func(*Options)) *session {
	t.Helper()
	s := prepare(t, platform)
	s.run(t, adjust...)
	return s
}

// prepare starts only the platform, so that a test can plan its answers before run.
func prepare(t *testing.T, options larksim.Options) *session {
	t.Helper()
	platform, err := larksim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Close)
	return &session{platform: platform, sink: newRecorder(), logs: &logs{}, done: make(chan struct{})}
}

func (s *session) run(t *testing.T, adjust ...func(*Options)) {
	t.Helper()
	options := Options{
		AppID: s.platform.AppID(), AppSecret: s.platform.AppSecret(), BaseURL: s.platform.URL(), Logger: s.logs.logger(),
	}
	for _, change := range adjust {
		change(&options)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		s.err = New(options).Run(ctx, s.sink)
	}()
	t.Cleanup(func() { s.stop(t) })
}

// stop ends the source and returns what Run returned.
func (s *session) stop(t *testing.T) error {
	t.Helper()
	s.cancel()
	return s.wait(t)
}

// wait returns what Run returns by itself.
func (s *session) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-s.done:
		return s.err
	case <-time.After(patience):
		t.Fatal("Run did not return")
		return nil
	}
}

// connected waits until the platform counts one connection.
func (s *session) connected(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.platform.AwaitConnections(ctx, 1); err != nil {
		t.Fatalf("wait for the connection: %v", err)
	}
	s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected })
}

// outcome waits for the end of a delivery.
func outcome(t *testing.T, receipt *larksim.Receipt) larksim.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o, err := receipt.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// takeUntilSettled stores whatever is delivered until the delivery of one event has ended: what is not acknowledged in time
// comes again, and a busy machine may not be in time.
func (s *session) takeUntilSettled(t *testing.T, receipt *larksim.Receipt) larksim.Outcome {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case event := <-s.sink.events:
			event.Done(nil)
		case <-receipt.Done():
			return outcome(t, receipt)
		case <-limit:
			t.Fatal("the delivery does not end")
		}
	}
}
