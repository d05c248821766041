//go:build unix

package main_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// killBus ends the bus as a crash would.
func (w *world) killBus() {
	w.t.Helper()
	w.kill(w.status().PID)
}

// kill ends a process that is not the test's own child.
func (w *world) kill(pid int) {
	w.t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		w.t.Fatalf("kill process %d: %v", pid, err)
	}
	eventually(w.t, "the end of the killed process", func() bool { return !running(pid) })
}

func TestAServerGetsBackToANewBus(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	w.send("read before")
	a.mustRead("read before")
	w.send("unread before")
	waiting := a.beginTool("poll_events", map[string]any{"wait_seconds": 50, "max_events": 1})
	if got := decode[page](t, a.awaitResult(waiting)); !slices.Equal(contents(got.Events), []string{"unread before"}) {
		t.Fatalf("polled %v", contents(got.Events))
	}
	waiting = a.beginTool("poll_events", map[string]any{"wait_seconds": 50})
	old := a.status().Bus.PID
	w.killBus()
	w.awaitReconnected(2) // nobody asked for anything: the server has started it
	w.send("after")
	if got := decode[page](t, a.awaitResult(waiting)); !slices.Equal(contents(got.Events), []string{"after"}) || got.Truncated {
		t.Errorf("the poll that waited through it all got %v, truncated: %v", contents(got.Events), got.Truncated)
	}
	if s := a.status(); s.Bus.PID == old || !s.Bus.Running || s.Bus.Consumers != 1 {
		t.Errorf("status: %+v", s)
	}
}

// Events keep coming while the bus is killed, again and again. What was acknowledged is in the journal, the rest
// the platform sends again; each is read once.
func TestNoAcknowledgedEventIsLostWhenTheBusIsKilled(t *testing.T) {
	const events, kills = 300, 3
	redelivery := make([]time.Duration, 500)
	for i := range redelivery {
		redelivery[i] = 100 * time.Millisecond
	}
	w := newWorld(t, larksim.Options{AckTimeout: 500 * time.Millisecond, Redelivery: redelivery})
	a := w.agent(legacyEra)
	a.listen(messageKey)
	var receipts []*larksim.Receipt
	for n := range events {
		receipts = append(receipts, w.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, fmt.Sprint(n))))
		if n%(events/kills) == events/kills/2 {
			w.awaitAck(receipts[n-5]) // so that some are stored, and some are under way
			opened := w.platform.Counts().Opened
			w.killBus()
			w.awaitReconnected(opened + 1)
		}
	}
	want := map[string]int{}
	for _, receipt := range receipts {
		w.awaitAck(receipt)
		want[receipt.EventID] = 1
	}
	got := map[string]int{}
	for len(got) < events {
		polled := a.poll(map[string]any{"wait_seconds": 50, "max_events": 200})
		if len(polled.Events) == 0 {
			break
		}
		for _, e := range polled.Events {
			got[e.EventID]++
		}
	}
	for id := range want {
		if got[id] != 1 {
			t.Errorf("event %s was acknowledged and read %d times", id, got[id])
		}
	}
	if rest := a.poll(nil); len(rest.Events) != 0 {
		t.Errorf("events came twice: %v", ids(rest.Events))
	}
}
