//go:build unix

package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestFaultVersions(t *testing.T) {
	needsBinary(t)
	other := buildOther(t)
	const next = protocol.Version + 1
	for name, newerFirst := range map[string]bool{"an older bus": false, "a newer bus": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, faultPlatform())
			newer := w.with(t, map[string]string{envProtocol: fmt.Sprint(next)})
			newer.program = other
			if newerFirst {
				meet(w, newer, w, next, protocol.Version)
			} else {
				meet(w, w, newer, protocol.Version, next)
			}
		})
	}
	t.Run("a bus that lacks a capability", func(t *testing.T) {
		w := newWorld(t, faultPlatform())
		older := w.with(t, map[string]string{envProtocol: fmt.Sprint(protocol.Version), envOlder: "1"})
		older.program = other
		shareRefused(w, older, w)
	})
	t.Run("a consumer that lacks a capability", func(t *testing.T) {
		w := newWorld(t, faultPlatform())
		older := w.with(t, map[string]string{envProtocol: fmt.Sprint(protocol.Version), envOlder: "1"})
		older.program = other
		shareRefused(w, w, older)
	})
}

// meet lets the programs of one version find the bus of the other, which speaks has, replace it, and be replaced in turn.
func meet(w, first, second *world, has, speaks int) {
	t := w.t
	t.Helper()
	l := &ledger{w: w}
	a, b := first.agent(legacyEra), second.agent(legacyEra)
	a.listen(messageKey)
	l.text()

	wrong := fmt.Sprintf("speaks protocol %d, this program speaks %d", has, speaks)
	p, code := second.run("consume", messageKey, "--timeout", "50s")
	if said := p.stderr.String(); code != 1 || !strings.Contains(said, wrong) || !strings.Contains(said, "run lark-events-mcp stop") {
		t.Errorf("consume ended with code %d and said %q", code, said)
	}
	e := b.refused("subscribe_event", map[string]any{"key": messageKey})
	if e.Code != "bus_unavailable" || !strings.Contains(e.Message, wrong) || !strings.Contains(e.Hint, "run lark-events-mcp stop") {
		t.Errorf("the agent is told %+v", e)
	}
	if p, code := second.run("status"); code != 0 || !strings.Contains(p.stdout.String(), "connected") {
		t.Errorf("status ended with code %d: %s%s", code, p.stdout, p.stderr)
	}

	change(l, second)
	b.listen(messageKey, map[string]any{"from": "earliest"})
	l.text()
	l.settle()
	if e := a.refused("poll_events", nil); e.Code != "bus_unavailable" || !strings.Contains(e.Hint, "run lark-events-mcp stop") {
		t.Errorf("the agent whose bus was replaced is told %+v", e)
	}
	change(l, first)
	a.listen(messageKey)
	l.text()
	l.settle()

	l.checkOrder("the first version's agent", ids(a.collect(len(l.entries))))
	change(l, second)
	b.listen(messageKey)
	l.text()
	l.settle()
	got := ids(b.collect(len(l.entries)))
	if stored := w.status().Journal.Events; stored != len(l.entries) || len(got) != stored {
		t.Errorf("sent %d, journaled %d, read %d", len(l.entries), stored, len(got))
	}
	l.checkOrder("the second version's agent", got)
	counts := w.platform.Counts()
	t.Logf("sent %d, acknowledged %d, journaled %d, delivered %d, connections %d", counts.Sent, counts.Acked, len(l.entries), len(got), counts.Opened)
}

// change stops the bus by a program of the other version, with an event before and after.
func change(l *ledger, by *world) {
	t := l.w.t
	t.Helper()
	l.text()
	if p, code := by.run("stop"); code != 0 || !strings.Contains(p.stdout.String(), "Stopped the bus") {
		t.Fatalf("stop ended with code %d: %s%s", code, p.stdout, p.stderr)
	}
	l.text()
}

// shareRefused lets a bus be refused by the platform, for which one of the two has no request to try again: the agent is
// told of the refusal and nothing else, and a fresh consumer gets the bus to try again.
func shareRefused(w, first, second *world) {
	t := w.t
	t.Helper()
	l := &ledger{w: w}
	holder, a := first.agent(legacyEra), second.agent(legacyEra)
	holder.listen(messageKey)
	a.listen(messageKey)
	l.text()
	l.settle()

	w.platform.PlanBootstraps(larksim.BootstrapAnswer{Code: 10014, Msg: "app secret invalid"})
	w.platform.DropConnections()
	// The bus tells each consumer in its turn. Asking for what is subscribed to already changes nothing.
	refused := func() bool { return a.awaitTool(a.beginTool("subscribe_event", subscribeArgs(messageKey))).IsError }
	eventually(t, "the refusal", refused)
	l.text()
	if e := a.refused("subscribe_event", map[string]any{"key": reactionKey}); e.Code != "platform_error" || !strings.Contains(e.Message, "app secret invalid") {
		t.Errorf("the agent is told %+v", e)
	}
	p := second.start("consume", messageKey)
	p.stderr.await(t, ready)
	l.text()
	l.settle()
	eventually(t, "the end of the refusal", func() bool { return !refused() })
	a.listen(reactionKey)
	for who, one := range map[string]*agent{"the bus's own version": holder, "the other version": a} {
		l.checkOrder(who, ids(one.collect(len(l.entries))))
	}
	counts := w.platform.Counts()
	t.Logf("sent %d, acknowledged %d, journaled %d", counts.Sent, counts.Acked, w.status().Journal.Events)
}
