//go:build linux

package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// newSmallWorld is a world whose state directory is on a disk of this size, and whose platform sends again soon.
func newSmallWorld(t *testing.T, size string) *world {
	t.Helper()
	dir := string(testutil.Home(t))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("needs to mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, larksim.Options{Redelivery: slices.Repeat([]time.Duration{500 * time.Millisecond}, 500)})
	w.home = statedir.Home(dir)
	w.env[statedir.EnvHome] = dir
	return w
}

// fillDisk takes what room is left, until the function that it returns is called.
func (w *world) fillDisk() (free func()) {
	w.t.Helper()
	name := filepath.Join(string(w.home), "filler")
	out, err := os.Create(name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Close()
	for err == nil {
		_, err = out.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		w.t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pushedProblem is a problem in a notifications/message.
type pushedProblem struct {
	Level string
	Data  struct {
		Problem struct{ Code, Message, Hint string }
	}
}

func (a *agent) hasProblem(code string) bool {
	a.t.Helper()
	for _, p := range a.status().Problems {
		if p.Code == code {
			return p.Message != "" && p.Hint != ""
		}
	}
	return false
}

// While the disk is full no event is acknowledged, the agent is told, and everything comes once there is room.
func TestFaultTheDiskIsFullWhileAnAgentListens(t *testing.T) {
	w := newSmallWorld(t, "2m")
	a := w.agent(legacyEra)
	a.request("resources/subscribe", map[string]any{"uri": "lark-event://status"})
	a.listen(messageKey)
	a.request("logging/setLevel", map[string]any{"level": "error"}) // problems, and no events
	a.status()
	a.notes = nil // of the connection being made
	var receipts []*larksim.Receipt
	send := func(n int) {
		for range n {
			receipts = append(receipts, w.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, strings.Repeat("x", 1000))))
		}
	}
	for range testutil.Faults(t, 2, 6) { // more would fill the disk by themselves
		send(20)
		for _, r := range receipts {
			w.awaitAck(r)
		}
		free := w.fillDisk()
		acked, refused := w.platform.Counts().Acked, w.platform.Counts().Refused
		send(50)
		if err := w.platform.AwaitCounts(within(t), func(c larksim.Counts) bool { return c.Refused > refused }); err != nil {
			t.Fatal(err)
		}
		a.note(updatedMethod)
		if p := decode[pushedProblem](t, string(a.note(logMethod).Params)); p.Level != "error" || p.Data.Problem.Code != "storage" ||
			!strings.Contains(p.Data.Problem.Hint, "free disk space") {
			t.Errorf("pushed %+v, want that events cannot be stored", p)
		}
		if !a.hasProblem("storage") {
			t.Errorf("the status does not say that events cannot be stored: %+v", a.status().Problems)
		}
		if n := w.platform.Counts().Acked - acked; n >= 50 {
			t.Errorf("%d events of 50 were acknowledged on a full disk", n)
		}
		free()
		for _, r := range receipts {
			w.awaitAck(r)
		}
		a.note(updatedMethod)
		eventually(t, "the end of the problem", func() bool { return !a.hasProblem("storage") })
	}
	w.wantEachOnce(a, receipts)
}

// A bus that finds no room for its journal says so. One that dies on a full disk is started again, and goes on by
// itself once there is room.
func TestFaultTheBusIsStartedOnAFullDisk(t *testing.T) {
	w := newSmallWorld(t, "2m")
	a := w.agent(legacyEra)
	free := w.fillDisk()
	if e := a.refused("subscribe_event", map[string]any{"key": messageKey}); e.Code != "bus_unavailable" || !strings.Contains(e.Message+e.Hint, "space") {
		t.Errorf("refused with %+v, want that the disk is full", e)
	}
	free()
	a.listen(messageKey)
	receipts := []*larksim.Receipt{w.send("before")}
	free = w.fillDisk()
	w.killBus()
	for range 20 {
		receipts = append(receipts, w.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, strings.Repeat("x", 5000))))
	}
	free()
	for _, receipt := range receipts {
		w.awaitAck(receipt)
	}
	w.wantEachOnce(a, receipts)
}

// wantEachOnce fails the test unless the agent reads each of the acknowledged events once, and nothing else.
func (w *world) wantEachOnce(a *agent, receipts []*larksim.Receipt) {
	w.t.Helper()
	got := ids(a.collect(len(receipts)))
	if rest := a.poll(nil); len(rest.Events) != 0 {
		w.t.Errorf("beyond the %d events that were sent: %v", len(receipts), ids(rest.Events))
	}
	counted := map[string]int{}
	for _, id := range got {
		counted[id]++
	}
	for _, receipt := range receipts {
		if counted[receipt.EventID] != 1 {
			w.t.Errorf("event %s was acknowledged, and read %d times", receipt.EventID, counted[receipt.EventID])
		}
	}
	c := w.platform.Counts()
	w.t.Logf("%d events sent (%d deliveries, %d refused, %d unanswered), %d acknowledged, %d journaled, %d read",
		c.Sent, c.Delivered, c.Refused, c.TimedOut, c.Acked, a.status().Journal.Events, len(got))
}
