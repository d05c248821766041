//go:build unix

package main_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
)

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
