package bus_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a raw connection to a bus.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, b *testutil.RunningBus) *wire {
	t.Helper()
	conn, err := transport.Dial(t.Context(), b.App.Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &wire{t, conn, bufio.NewReader(conn)}
}

func (w *wire) send(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(w.conn, line+"\n"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// awaitPhase waits until the source is said to be in a phase.
func (w *wire) awaitPhase(phase source.Phase) {
	w.t.Helper()
	for {
		answer, ok := w.next()
		if !ok {
			w.t.Fatalf("the connection ended before the source was %s", phase)
		}
		if answer.Source != nil && answer.Source.Phase == phase {
			return
		}
	}
}

// next returns the next line; false at the end.
func (w *wire) next() (answer protocol.Response, ok bool) {
	w.t.Helper()
	line, err := w.in.ReadString('\n')
	if err != nil {
		return answer, false
	}
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		w.t.Fatalf("%q: %v", line, err)
	}
	return answer, true
}

// receive returns the next answer, passing over the source's state; false at the end.
func (w *wire) receive() (protocol.Response, bool) {
	w.t.Helper()
	for {
		answer, ok := w.next()
		if !ok || answer.Source == nil {
			return answer, ok
		}
	}
}

const hello = `{"hello":{"version":1,"role":"consumer","name":"test"}}`

func TestWhatTheBusCannotReadEndsTheConnectionAndNothingElse(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	for name, lines := range map[string][]string{
		"no hello":      {`{"id":1,"status":{}}`},
		"no JSON":       {hello, `{"id":`},
		"no object":     {hello, `[1,2]`},
		"wrong type":    {hello, `{"id":"one"}`},
		"too long":      {hello, `{"id":1,"pad":"` + strings.Repeat("x", protocol.MaxRequestLine) + `"}`},
		"other version": {`{"hello":{"version":99,"role":"consumer","name":"test"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, b)
			go io.WriteString(w.conn, strings.Join(lines, "\n")+"\n") // the bus may end it before all is written
			if len(lines) > 1 {
				if answer, ok := w.receive(); !ok || answer.Welcome == nil {
					t.Fatalf("the hello got %+v", answer)
				}
			}
			if answer, ok := w.receive(); !ok || answer.Error == nil || answer.Error.Hint == "" && name != "no hello" {
				t.Errorf("got %+v, %t; want an error with a hint", answer.Error, ok)
			}
			if answer, ok := w.receive(); ok {
				t.Errorf("the connection goes on: %+v", answer)
			}
		})
	}
	w := dial(t, b)
	w.send(hello)
	w.receive()
	limit := time.Now().Add(time.Minute)
	for id := uint64(5); ; id++ { // the others see their ends before the bus has counted them out
		w.send(fmt.Sprintf(`{"id":%d,"status":{}}`, id))
		answer, ok := w.receive()
		if !ok || answer.ID != id || answer.Status == nil {
			t.Fatalf("afterwards a good connection gets %+v", answer)
		}
		consumers := len(answer.Status.Consumers)
		if consumers == 1 {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the bus still counts %d consumers", consumers)
		}
	}
}

func TestRequestsThatMakeNoSenseAreAnswered(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	w := dial(t, b)
	w.send(hello, `{"id":1}`, `{"id":2,"future":{}}`, `{"cancel":77}`, `{"id":3,"release":{"holder":1,"identity":"x"}}`,
		`{"id":4,"settle":{"holder":1,"identity":"x","ok":true}}`, `{"id":5,"fetch":{"after":0,"max":-5,"wait_ms":-1}}`)
	w.receive()
	answers := map[uint64]protocol.Response{}
	for range 5 {
		answer, ok := w.receive()
		if !ok {
			t.Fatal("the connection ended")
		}
		answers[answer.ID] = answer
	}
	for id := uint64(1); id <= 2; id++ {
		if e := answers[id].Error; e == nil || e.Code != eventcore.CodeBusUnavailable {
			t.Errorf("request %d got %+v", id, answers[id])
		}
	}
	if r := answers[3].Released; r == nil || r.Last {
		t.Errorf("a release of what was not acquired got %+v", answers[3])
	}
	if answers[4].Done == nil || answers[5].Batch == nil {
		t.Errorf("got %+v and %+v", answers[4], answers[5])
	}
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	w := dial(t, b)
	w.send(hello)
	w.receive()
	for id := range protocol.MaxPending + 1 {
		line, _ := json.Marshal(protocol.Request{ID: uint64(id + 1), Fetch: &protocol.Fetch{Max: 1, WaitMS: 600_000}})
		w.send(string(line))
	}
	answer, ok := w.receive()
	if !ok || answer.ID != protocol.MaxPending+1 || answer.Error == nil || answer.Error.Code != eventcore.CodeLimitReached {
		t.Fatalf("one too many got %+v", answer)
	}
	w.send(`{"cancel":7}`)
	if answer, ok := w.receive(); !ok || answer.ID != 7 || answer.Batch == nil {
		t.Errorf("a cancelled fetch got %+v", answer)
	}
}

func TestAConsumerThatDiesWhileItAcquiresHoldsNothing(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	for i := range 200 {
		w := dial(t, b)
		w.send(hello)
		w.receive()
		w.send(fmt.Sprintf(`{"id":1,"acquire":{"holder":1,"identity":"k%d","key":"k","platform":true,"single":true}}`, i))
		w.conn.Close()
	}
	// Whoever comes next gets each scope: one that is held by the dead would be refused, or waited for without end.
	next := dial(t, b)
	next.conn.SetDeadline(time.Now().Add(5 * time.Minute)) // each scope that comes or goes is written to the disk
	next.send(hello)
	next.receive()
	for consumers, id := 2, 1000; consumers > 1; id++ {
		next.send(fmt.Sprintf(`{"id":%d,"status":{}}`, id))
		answer, ok := next.receive()
		if !ok {
			t.Fatal("the bus does not answer")
		}
		consumers = len(answer.Status.Consumers)
	}
	for i := range 200 {
		next.send(fmt.Sprintf(`{"id":%d,"acquire":{"holder":1,"identity":"k%d","key":"k","platform":true,"single":true}}`, i+1, i))
		if answer, ok := next.receive(); !ok || answer.Acquired == nil || !answer.Acquired.First {
			t.Fatalf("scope k%d: got %+v", i, answer)
		}
	}
}

func TestAHolderCanAskAgainAndGiveUpBeforeItHasSettled(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	w, other := dial(t, b), dial(t, b)
	for _, each := range []*wire{w, other} {
		each.conn.SetDeadline(time.Now().Add(time.Minute))
		each.send(hello)
		each.receive()
	}
	for _, id := range []string{"1", "2"} {
		w.send(`{"id":` + id + `,"acquire":{"holder":1,"identity":"k","key":"k","platform":true,"single":true}}`)
		if answer, _ := w.receive(); answer.Acquired == nil || !answer.Acquired.First {
			t.Fatalf("request %s got %+v", id, answer)
		}
	}
	w.send(`{"id":3,"release":{"holder":1,"identity":"k"}}`)
	if answer, _ := w.receive(); answer.Released == nil || answer.Released.Last {
		t.Errorf("giving up got %+v", answer)
	}
	other.send(`{"id":1,"acquire":{"holder":1,"identity":"k","key":"k","platform":true,"single":true}}`)
	if answer, _ := other.receive(); answer.Acquired == nil || !answer.Acquired.First || answer.Acquired.Orphaned {
		t.Errorf("the next one got %+v", answer)
	}
}

func TestAPageComesFromMemoryOrFromTheJournalAlike(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	b := testutil.StartBus(t, app)
	b.Source.Send(t, testutil.Events(1, 30, "t.a")...)
	page := func(b *testutil.RunningBus) string {
		w := dial(t, b)
		w.send(hello, `{"id":1,"fetch":{"after":10,"types":["t.a"],"max":5}}`)
		w.receive()
		for {
			line, err := w.in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, `{"id":1,`) {
				return line
			}
		}
	}
	fromMemory := page(b)
	b.Stop()
	fromJournal := page(testutil.StartBus(t, app))
	if fromMemory != fromJournal {
		t.Errorf("from memory:\n%s\nfrom the journal:\n%s", fromMemory, fromJournal)
	}
}

// gatedSource connects to a platform that refuses once refuse is closed.
type gatedSource struct{ refuse chan struct{} }

func (s gatedSource) Run(ctx context.Context, sink source.Sink) error {
	select {
	case <-s.refuse:
	case <-ctx.Done():
		return ctx.Err()
	}
	refusal := &eventcore.Error{Code: eventcore.CodePlatformError, Message: "no"}
	sink.SetState(source.State{Phase: source.Failed, Since: time.Now(), Err: refusal})
	return refusal
}

func TestABusThatWasRefusedMakesWayForOtherCredentials(t *testing.T) {
	for name, attached := range map[string]bool{"that come after it": false, "that were there before": true} {
		t.Run(name, func(t *testing.T) {
			src := gatedSource{make(chan struct{})}
			b := testutil.StartBus(t, testutil.Home(t).App("cli_test"), func(o *bus.Options) {
				o.Credentials, o.Source = "old", src
			})
			same, other := dial(t, b), dial(t, b)
			welcomed(t, same, "old")
			if attached {
				welcomed(t, other, "new")
			}
			close(src.refuse)
			same.awaitPhase(source.Failed)
			same.send(`{"id":2,"retry":{}}`)
			same.awaitPhase(source.Failed)
			if attached {
				other.awaitPhase(source.Failed)
				other.send(`{"id":2,"retry":{}}`)
			} else {
				other.send(helloWith("new"))
			}
			for answer, ok := other.receive(); ok; answer, ok = other.receive() {
				t.Errorf("other credentials got %+v, want the end", answer)
			}
			<-b.Done
		})
	}
}

func helloWith(credentials string) string {
	return fmt.Sprintf(`{"hello":{"version":1,"role":"consumer","name":"test","credentials":%q}}`, credentials)
}

func welcomed(t *testing.T, w *wire, credentials string) {
	t.Helper()
	w.send(helloWith(credentials))
	if answer, ok := w.receive(); !ok || answer.Welcome == nil {
		t.Fatalf("credentials %q got %+v", credentials, answer)
	}
}

func TestASecondBusIsRefused(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	testutil.StartBus(t, app)
	if err := bus.Run(t.Context(), bus.Options{App: app, Source: testutil.NewSource()}); err == nil {
		t.Error("a second bus ran")
	}
}
