//go:build unix

package main_test

import (
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
)

// endPromise is how long a server may take to end, endMargin what the process and the test's look at it may add on a
// machine that is busy with other tests. A server that waits for something it should not wait for takes longer than both:
// the poll under way would last 50 s, a webhook's try 10 s. That the promise is kept to the moment, package mcp tests in a
// time of its own.
const (
	endPromise = 2 * time.Second
	endMargin  = 6 * time.Second
)

func TestAServerEndsInAnOrderlyWay(t *testing.T) {
	ends := map[string]func(a *agent){
		"SIGINT":       func(a *agent) { a.proc.signal(os.Interrupt) },
		"SIGTERM":      func(a *agent) { a.proc.signal(syscall.SIGTERM) },
		"closed stdin": func(a *agent) { a.proc.stdin.Close() },
	}
	if !signal.Ignored(syscall.SIGHUP) { // which nohup hands down
		ends["a closed terminal"] = func(a *agent) { a.proc.signal(syscall.SIGHUP) }
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			stays, a := w.agent(legacyEra), w.agent(legacyEra)
			stays.listen(messageKey)
			a.listen(messageKey)
			a.beginTool("poll_events", map[string]any{"wait_seconds": 50})
			a.request("ping", nil) // the poll waits by then, or is about to
			w.awaitConsumers(2)

			code := 0
			elapsed := took(func() {
				end(a)
				code = a.proc.wait()
			})
			t.Logf("the server ended after %v", elapsed)
			if elapsed > endPromise+endMargin {
				t.Errorf("the server took %v to end", elapsed)
			}
			if code != 0 || a.proc.stderr.String() != "" {
				t.Errorf("it ended with code %d and said %q", code, a.proc.stderr)
			}
			w.awaitConsumers(1)
			w.send("life goes on")
			stays.mustRead("life goes on")
		})
	}
}

// Nobody who ends waits for a platform that does not answer.
func TestAServerEndsWhileThePlatformHangs(t *testing.T) {
	for name, answered := range map[string]int64{"at a subscribe": 0, "when a new bus asks again": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			hanging := w.boardsHang(answered)
			a := w.agent(legacyEra)
			board := map[string]any{"params": map[string]any{"whiteboard_id": boardID}}
			if answered == 0 {
				a.beginTool("subscribe_event", subscribeArgs(boardKey, board))
			} else {
				a.listen(boardKey, board)
				w.killBus()
			}
			<-hanging
			elapsed := took(func() {
				a.proc.stdin.Close()
				a.proc.wait()
			})
			if elapsed > endPromise+endMargin {
				t.Errorf("the server took %v to end", elapsed)
			}
		})
	}
}

// boardsHang lets the platform's calls for whiteboards hang, except so many; each that does sends a token.
func (w *world) boardsHang(answered int64) (hanging chan struct{}) {
	hanging = make(chan struct{}, 100)
	over := make(chan struct{})
	w.t.Cleanup(func() { close(over) })
	var calls atomic.Int64
	w.platform.Handle("POST", "/open-apis/board/v1/whiteboards/{id}/{what}", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > answered {
			hanging <- struct{}{}
			select {
			case <-over:
			case <-r.Context().Done():
			}
		}
		rw.Write([]byte(`{"code":0,"msg":"success","data":{}}`))
	}))
	return hanging
}

// A server that never subscribed has nothing to end, and started no bus.
func TestAnIdleServerStartsNothing(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.request("tools/list", nil)
	a.tool("list_event_keys", nil)
	if s := a.status(); s.Bus.Running {
		t.Errorf("status: %+v", s)
	}
	a.proc.stdin.Close()
	if code := a.proc.wait(); code != 0 {
		t.Errorf("it ended with code %d: %s", code, a.proc.stderr)
	}
	if files := w.files(); len(files) != 0 {
		t.Errorf("it left files: %v", files)
	}
	if n := w.platform.Counts().Bootstraps; n != 0 {
		t.Errorf("it connected to the platform %d times", n)
	}
}

func TestTheBusForgetsAKilledServer(t *testing.T) {
	w := newWorld(t)
	stays, killed := w.agent(legacyEra), w.agent(legacyEra)
	stays.listen(messageKey)
	killed.listen(messageKey)
	w.awaitConsumers(2)
	killed.proc.signal(os.Kill)
	killed.proc.wait()
	w.awaitConsumers(1)
	w.send("still here")
	stays.mustRead("still here")
}

// A bus is nobody's child in the end: it outlives the agent that started it, and the next agent finds it.
func TestABusOutlivesTheAgentThatStartedIt(t *testing.T) {
	w := newWorld(t)
	first := w.agent(legacyEra)
	first.listen(messageKey)
	cursor := first.poll(nil).Cursor
	pid := w.status().PID
	first.proc.signal(os.Interrupt)
	first.proc.wait()
	w.send("between two agents")
	second := w.agent(legacyEra)
	second.listen(messageKey, map[string]any{"from": cursor})
	second.mustRead("between two agents")
	if b, ok := busdiscover.Running(w.app()); !ok || b.PID != pid || w.platform.Counts().Opened != 1 {
		t.Errorf("the bus is %+v now, was process %d; %d connections were opened", b, pid, w.platform.Counts().Opened)
	}
}
