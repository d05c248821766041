//go:build unix

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
)

// Clients show a model some 50,000 characters of a result at most, and the next poll passes what they cut out.
func TestAPageIsShortEnoughForAModel(t *testing.T) {
	for name, test := range map[string]struct {
		text, filter string
		messages     int
	}{
		"long messages":              {strings.Repeat(" long", 1000), "", 40},
		"short messages":             {"", "", 160},
		"a filter that always fails": {strings.Repeat(" long", 80), ".content | error", 60},
	} {
		t.Run(name, func(t *testing.T) {
			const most = 40_000
			w := newWorld(t)
			a := w.agent(legacyEra)
			sub := a.listen(messageKey, map[string]any{"filter": test.filter})
			var sent []string
			for n := range test.messages {
				sent = append(sent, w.send(fmt.Sprint(n, test.text)).EventID)
			}
			// The same as a resource, which is a peek.
			if text := string(a.request("resources/read", map[string]any{"uri": "lark-event://subscriptions/" + sub.SubscriptionID})); len(text) > 2*most {
				t.Errorf("the resource has %d bytes", len(text))
			}
			var read []string
			for more := true; more; {
				text := a.tool("poll_events", map[string]any{"max_events": 200})
				if len(text) > most {
					t.Errorf("a page has %d bytes, want at most %d", len(text), most)
				}
				got := decode[page](t, text)
				read, more = append(read, ids(got.Events)...), got.HasMore
			}
			if !slices.Equal(read, sent) {
				t.Errorf("read %v, want %v", read, sent)
			}
		})
	}
}

func TestAnEventThatIsLargerThanAPageIsOneByItself(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	large := strings.Repeat("larger than a page ", 5000)
	w.send(large)
	w.send("small")
	a.mustRead(large, "small")
}

func TestEightAgentsThatStartAtOnceShareOneConnection(t *testing.T) {
	const agents, messages = 8, 20
	w := newWorld(t)
	var all []*agent
	for range agents {
		all = append(all, w.silentAgent(legacyEra))
	}
	var subscribing []string
	for _, a := range all {
		a.introduce()
	}
	for _, a := range all {
		subscribing = append(subscribing, a.beginTool("subscribe_event", map[string]any{"key": messageKey}))
	}
	for i, a := range all {
		if result := a.awaitTool(subscribing[i]); result.IsError {
			t.Fatalf("agent %d: %s", i, result.StructuredContent)
		}
	}

	var sent []string
	for n := range messages {
		sent = append(sent, w.send(fmt.Sprintf("message %d", n)).EventID)
	}
	for i, a := range all {
		if got := ids(a.collect(messages)); !slices.Equal(got, sent) {
			t.Errorf("agent %d read %v, want all in the order of arrival, %v", i, got, sent)
		}
	}

	if counts := w.platform.Counts(); counts.Opened != 1 || w.platform.Connections() != 1 {
		t.Errorf("%d connections were opened, %d are open, want one", counts.Opened, w.platform.Connections())
	}
	buses, err := busdiscover.List(w.home)
	if err != nil || len(buses) != 1 {
		t.Errorf("buses: %v, %v, want one", buses, err)
	}
	status := w.status()
	if len(status.Consumers) != agents || status.Counters.Journaled != messages {
		t.Errorf("the bus has %d consumers and %d events, want %d and %d",
			len(status.Consumers), status.Counters.Journaled, agents, messages)
	}
	pids := map[int]bool{}
	for _, a := range all {
		pids[a.status().Bus.PID] = true
	}
	if len(pids) != 1 || !pids[status.PID] {
		t.Errorf("the agents are on the buses %v, want only %d", pids, status.PID)
	}
}
