//go:build unix

package main_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// maxInFlight is how many events of a ledger may be unacknowledged at once.
const maxInFlight = 256

// faultPlatform soon delivers again what was not acknowledged, for longer than any test lasts.
func faultPlatform() larksim.Options {
	return larksim.Options{
		AckTimeout: 500 * time.Millisecond, Redelivery: slices.Repeat([]time.Duration{100 * time.Millisecond}, 10_000),
		ReconnectInterval: time.Second,
	}
}

// ledger knows of every event that was sent, and when it was acknowledged. It is for the test's goroutine.
type ledger struct {
	w        *world
	entries  []*entry
	inFlight []*entry
}

// entry is an event; before and after are times around its first delivery.
type entry struct {
	receipt       *larksim.Receipt
	kind          string
	before, after time.Time
}

// send sends an event, as soon as few enough others are under way.
func (l *ledger) send(e larksim.Event) *entry {
	l.w.t.Helper()
	for l.prune(); len(l.inFlight) >= maxInFlight; l.prune() {
		l.w.awaitAck(l.inFlight[0].receipt)
	}
	sent := &entry{kind: e.Type, before: time.Now()}
	sent.receipt = l.w.platform.Send(e)
	sent.after = time.Now()
	l.entries, l.inFlight = append(l.entries, sent), append(l.inFlight, sent)
	return sent
}

// text sends a message that says how many events came before it.
func (l *ledger) text() *entry {
	l.w.t.Helper()
	return l.send(larksim.Text(larksim.Ada, larksim.Engineering, fmt.Sprint(len(l.entries))))
}

// acknowledged is when the event, which must be settled, was acknowledged, or a moment later.
func (e *entry) acknowledged() time.Time {
	outcome, _ := e.receipt.Wait(context.Background()) // it has ended
	return e.after.Add(outcome.Took)
}

func (l *ledger) prune() {
	l.inFlight = slices.DeleteFunc(l.inFlight, func(e *entry) bool {
		select {
		case <-e.receipt.Done():
			return true
		default:
			return false
		}
	})
}

// settle waits until everything is acknowledged.
func (l *ledger) settle() {
	l.w.t.Helper()
	for _, e := range l.entries {
		l.w.awaitAck(e.receipt)
	}
}

// finish sends one last event when all others are acknowledged, so that whatever came twice came before it, and waits
// until each reader has it.
func (l *ledger) finish(readers ...reader) {
	l.w.t.Helper()
	l.settle()
	last := l.text()
	l.settle()
	for _, r := range readers {
		eventually(l.w.t, r.name()+" has the last event", func() bool {
			r.take()
			got := r.delivered()
			return len(got) > 0 && got[len(got)-1] == last.receipt.EventID
		})
	}
}

// journaled returns the ids of the n events of a type that the journal should hold, in its order.
func (w *world) journaled(eventType string, n int) []string {
	w.t.Helper()
	if n == 0 {
		return nil
	}
	p, code := w.run("consume", "event.any", "--param", "event_type="+eventType, "--from", "earliest",
		"--max-events", fmt.Sprint(n), "--timeout", (soon / 3).String())
	if code != 0 {
		w.t.Fatalf("consume ended with code %d: %s", code, p.stderr)
	}
	return ids(printedEvents(w.t, p))
}

// check claims that no acknowledged event is lost, none is in the journal twice, each reader got the whole of it once
// and in its order, and that order is the one of the platform. Readers must have the last event, see finish.
func (l *ledger) check(readers ...reader) {
	t := l.w.t
	t.Helper()
	stored := l.w.status().Journal.Events
	journal := l.w.journaled(messageKey, len(l.entries))
	l.log(stored, readers)
	if stored != len(l.entries) {
		t.Errorf("the journal has %d events, %d were sent", stored, len(l.entries))
	}
	l.checkOrder("the journal", journal)
	for _, r := range readers {
		sameOrder(t, r.name(), r.delivered(), journal)
	}
}

// log logs the counts, and claims that no two connections were open at once.
func (l *ledger) log(stored int, readers []reader) {
	counts := l.w.platform.Counts()
	delivered := map[string]int{}
	for _, r := range readers {
		delivered[r.name()] = len(r.delivered())
	}
	l.w.t.Logf("sent %d, acknowledged %d (%d delivered again, %d connections), journaled %d, delivered %v",
		counts.Sent, counts.Acked, counts.Redelivered, counts.Opened, stored, delivered)
	if counts.MostOpen != 1 {
		l.w.t.Errorf("%d connections were open at once", counts.MostOpen)
	}
}

// checkOrder claims that a sequence has each event of the ledger once, and none before one that had been acknowledged
// when it was sent: the platform promises no more of the order of events that are under way together.
func (l *ledger) checkOrder(who string, got []string) {
	t := l.w.t
	t.Helper()
	known := map[string]*entry{}
	for _, e := range l.entries {
		known[e.receipt.EventID] = e
	}
	var earliest time.Time // when the first of those behind was acknowledged
	for i, id := range slices.Backward(got) {
		e := known[id]
		if e == nil {
			t.Errorf("%s has event %s twice, or it was never sent", who, id)
			continue
		}
		delete(known, id)
		if !earliest.IsZero() && earliest.Before(e.before) {
			t.Errorf("%s has event %s at %d, before one that had been acknowledged when it was sent", who, id, i)
		}
		if acked := e.acknowledged(); earliest.IsZero() || acked.Before(earliest) {
			earliest = acked
		}
	}
	if len(known) > 0 {
		t.Errorf("%s lacks %d acknowledged events of %d", who, len(known), len(l.entries))
	}
}

// sameOrder claims that a reader got exactly these events in this order.
func sameOrder(t *testing.T, who string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	times := map[string]int{}
	for _, id := range got {
		times[id]++
	}
	lost, twice := 0, 0
	for _, id := range want {
		switch n := times[id]; {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	differs := 0
	for differs < min(len(got), len(want)) && got[differs] == want[differs] {
		differs++
	}
	t.Errorf("%s got %d events, want %d: %d are lost, %d came twice, the first difference is at %d", who, len(got), len(want), lost, twice, differs)
}

// awaitAnotherBus waits until a bus other than process old holds the app's lock, and returns its process.
func (w *world) awaitAnotherBus(old int) (pid int) {
	w.t.Helper()
	eventually(w.t, "a bus that holds the lock", func() bool {
		b, held := busdiscover.Running(w.app())
		pid = b.PID
		return held && pid > 1 && pid != old && running(pid)
	})
	return pid
}
