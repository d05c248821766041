package main

import (
	"context"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

const (
	wakeEvents = 600
	// wakePause is how long a poll has to reach the bus and wait there.
	wakePause = 4 * time.Millisecond
)

// wakeRow is the time from an acknowledgement until an agent that waits has the event.
func wakeRow() row {
	return row{name: "wake", run: measureWake, lines: []line{{
		what: "from acknowledged to a waiting poll_events answered, p99", unit: "ms",
		against: "a round trip of the same bytes to a process over the same kind of pipes, p99",
		limit:   limit{absolute: true, must: 5, aim: 1},
	}}}
}

func measureWake(ctx context.Context, b *bench) ([]sample, error) {
	s, err := b.newSetting()
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err := s.bus(ctx); err != nil {
		return nil, err
	}
	a, err := s.subscriber(ctx)
	if err != nil {
		return nil, err
	}
	bare, err := s.startHelper(ctx, "echo")
	if err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for body := range s.platform.Texts(wakeEvents, textSize) {
		took, line, err := wake(ctx, s.platform, a, body)
		if err != nil {
			return nil, err
		}
		ours = append(ours, took)
		time.Sleep(wakePause)
		began := time.Now()
		if err := bare.write(line); err != nil {
			return nil, err
		}
		if _, err := bare.line(); err != nil {
			return nil, err
		}
		theirs = append(theirs, time.Since(began))
	}
	b.note("from acknowledged to a waiting poll_events answered: p50 %s ms, beside a bare round trip of %s ms",
		number(milliseconds(percentile(ours, 50))), number(milliseconds(percentile(theirs, 50))))
	var p99 sample
	p99.add(milliseconds(percentile(ours, 99)), milliseconds(percentile(theirs, 99)))
	return []sample{p99}, nil
}

// wake sends an event while the agent polls, and returns the time from its acknowledgement to the poll's answer. It is
// negative if the answer was there first.
func wake(ctx context.Context, platform *larksim.Platform, a *agent, body []byte) (took time.Duration, line []byte, err error) {
	if err := a.beginTool("poll_events", map[string]any{"wait_seconds": 50}); err != nil {
		return 0, nil, err
	}
	time.Sleep(wakePause)
	sent := time.Now()
	receipt := platform.SendBody(body, larksim.Delivery{})
	line, at, err := a.answer()
	if err != nil {
		return 0, nil, err
	}
	outcome, err := receipt.Wait(ctx)
	if err != nil || !outcome.Acknowledged {
		return 0, nil, fmt.Errorf("an event was not acknowledged: %+v, %w", outcome, err)
	}
	return at.Sub(sent.Add(outcome.Took)), line, nil
}
