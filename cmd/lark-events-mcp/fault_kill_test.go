//go:build unix

package main_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// siege is a flow of events, and who follows it while somebody is killed at random points of it.
type siege struct {
	*world
	random *rand.Rand
	ledger ledger
	agent  *agentReader
	web    *webReader
	lines  *consumeReader
	killed int // the bus that was killed last
}

// Whoever dies while events flow, and however often: no acknowledged event is lost, none comes twice, the order is kept.
func TestFaultKill(t *testing.T) {
	for name, c := range map[string]struct {
		events, kills         int // in the short form
		manyEvents, manyKills int // in the long form
		strike                func(s *siege)
	}{
		"the bus":            {1000, 4, 10_000, 50, (*siege).killBus},
		"the MCP server":     {300, 3, 4000, 30, (*siege).killServer},
		"bus and MCP server": {300, 2, 4000, 20, (*siege).killBoth},
		"consume":            {300, 4, 4000, 30, (*siege).killConsume},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, faultPlatform())
			random := testutil.FaultRandom(t)
			s := &siege{
				world: w, random: random, ledger: ledger{w: w}, agent: newAgentReader(w, "the agent", random),
				web: newWebReader(w, "the agent over HTTP", random), lines: newConsumeReader(w, "consume"),
			}
			s.run(testutil.Faults(t, c.events, c.manyEvents), testutil.Faults(t, c.kills, c.manyKills), c.strike)
		})
	}
}

func (s *siege) run(events, kills int, strike func(*siege)) {
	readers := []reader{s.agent, s.web, s.lines}
	for _, r := range readers {
		r.resume()
	}
	s.ledger.finish(readers...) // consume has no cursor before its first event
	points := make([]int, kills)
	for i := range points {
		points[i] = s.random.IntN(events)
	}
	slices.Sort(points)
	for n := range events {
		s.ledger.text()
		for ; len(points) > 0 && points[0] == n; points = points[1:] {
			faultPause(s.random, 20*time.Millisecond)
			strike(s)
		}
		for _, r := range readers {
			r.take()
		}
	}
	s.ledger.finish(readers...)
	s.ledger.check(readers...)
}

// killBus kills a bus that is connected, or one that has just started.
func (s *siege) killBus() {
	s.t.Helper()
	pid := s.awaitAnotherBus(s.killed)
	if s.random.IntN(4) > 0 {
		if err := s.platform.AwaitConnections(within(s.t), 1); err != nil {
			s.t.Fatal(err)
		}
		faultPause(s.random, 100*time.Millisecond) // it has much to take in: what was not acknowledged to the last one
	}
	s.kill(pid)
	s.killed = pid
}

func (s *siege) killServer() {
	s.t.Helper()
	var r reader = s.agent
	if s.random.IntN(2) == 0 {
		r = s.web
	}
	r.crash()
	r.resume()
}

func (s *siege) killBoth() {
	s.t.Helper()
	s.agent.crash()
	s.web.crash()
	s.killBus()
	s.agent.resume()
	s.web.resume()
}

func (s *siege) killConsume() {
	s.t.Helper()
	s.lines.crash()
	s.lines.resume()
}
