package consume

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// hungLink is a link to a bus, process 4711, that answers the hello, reads on if it is to, and does nothing more.
func hungLink(t *testing.T, reads bool) *link {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		in := bufio.NewReader(theirs)
		in.ReadString('\n')
		fmt.Fprintln(theirs, `{"welcome":{"version":1,"pid":4711,"journal":"j1"}}`)
		for reads {
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
		}
	}()
	l, err := open(t.Context(), ours, protocol.Hello{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close(); l.close() })
	return l
}

func TestABusThatHangsIsNotWaitedForWithoutLimit(t *testing.T) {
	tests := map[string]struct {
		req   protocol.Request
		limit time.Duration
		says  string
	}{
		"status":          {protocol.Request{Status: &protocol.Empty{}}, 10 * time.Second, "process 4711"},
		"fetch":           {protocol.Request{Fetch: &protocol.Fetch{}}, 10 * time.Second, "process 4711"},
		"fetch and wait":  {protocol.Request{Fetch: &protocol.Fetch{WaitMS: 50_000}}, time.Minute, "process 4711"},
		"wait for a turn": {protocol.Request{Acquire: &protocol.Acquire{Key: "t.a"}}, 70 * time.Second, "another consumer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, began := hungLink(t, true), time.Now()
				_, err := l.call(t.Context(), test.req)
				if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got %v, want %q", err, test.says)
				}
				if took := time.Since(began); took != test.limit {
					t.Errorf("it took %s, want %s", took, test.limit)
				}
				if !l.alive() {
					t.Error("the connection was given up; the bus may go on")
				}
			})
		})
	}
}

func TestABusThatReadsNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := hungLink(t, false)
		if _, err := l.call(t.Context(), protocol.Request{Status: &protocol.Empty{}}); err == nil {
			t.Error("it answered")
		}
		<-l.done
	})
}

func TestAHelloThatIsNotAnsweredEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go bufio.NewReader(theirs).ReadString('\n')
		if _, err := open(t.Context(), ours, protocol.Hello{}); err != errNoWelcome {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheProcessOfABusThatHangsIsNamedWithoutAWelcome(t *testing.T) {
	app := statedir.Home(t.TempDir()).App("cli_test")
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	c := New(Options{App: app})
	if err, want := c.noAnswer(), fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want it to name %s", err, want)
	}
}

func TestAnAnswerToSomethingElseIsAnErrorThatNamesTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, lines := range map[string]string{
			"nothing in it": `{"id":$}`, "another answer": `{"id":$,"done":{}}`, "more, without end": `{"id":$,"batch":{"more":true,"head":9}}`,
		} {
			sub := newSubscription(&eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"}, nil, "")
			_, err := answeredBy(t, lines).Read(t.Context(), []At{{Subscription: sub, Cursor: eventcore.Cursor{Journal: "j1"}}}, Limit{Events: 10}, time.Minute)
			if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) || !strings.Contains(err.Error(), "process 4711") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// lastWord is a connection whose writes, from some time on, return when the other side has answered and gone.
type lastWord struct {
	net.Conn
	gone <-chan struct{}
}

func (c *lastWord) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.gone != nil {
		<-c.gone
	}
	return n, err
}

// An answer tells of what the bus did, and asking the next bus again would do it twice.
func TestAnAnswerThatCameBeforeTheEndCounts(t *testing.T) {
	for range 20 { // whether the answer or the end is seen first would be chance
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			in := bufio.NewReader(theirs)
			for _, answer := range []string{`{"welcome":{"version":1,"pid":4711,"journal":"j1"}}`, `{"id":1,"released":{"last":true}}`} {
				in.ReadString('\n')
				fmt.Fprintln(theirs, answer)
			}
		}()
		conn := &lastWord{Conn: ours}
		l, err := open(t.Context(), conn, protocol.Hello{})
		if err != nil {
			t.Fatal(err)
		}
		conn.gone = l.done
		answer, err := l.call(t.Context(), protocol.Request{Release: &protocol.Release{Holder: 1, Identity: "k"}})
		if err != nil || !answer.Released.Last {
			t.Fatalf("got %+v, %v", answer, err)
		}
	}
}
