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
			_, err := answeredBy(t, lines).Read(t.Context(), []At{{Subscription: sub, Cursor: eventcore.Cursor{Journal: "j1"}}}, 10, time.Minute)
			if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) || !strings.Contains(err.Error(), "process 4711") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The last answer and the end of the connection are mostly there at once.
func TestTheLastAnswerOfABusIsTaken(t *testing.T) {
	for range 100 {
		c := answeredBy(t, `{"id":$,"batch":{"events":[],"next":4,"head":4}}`)
		if _, err := c.link.call(t.Context(), protocol.Request{Fetch: &protocol.Fetch{}}); err != nil {
			t.Fatal(err)
		}
	}
}
