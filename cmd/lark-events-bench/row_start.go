package main

import (
	"context"
	"time"
)

const startRounds = 20

// startRow is how long a client waits for a server that it starts.
func startRow() row {
	return row{name: "start", run: measureStart, lines: []line{{
		what: "from start to initialize answered", unit: "ms", against: smallestServer,
		limit: limit{must: 2, aim: 1.3},
	}}}
}

// smallestServer is what servers are measured against.
const smallestServer = "the smallest server made with mcp-go"

func measureStart(ctx context.Context, b *bench) ([]sample, error) {
	s, err := b.newSetting()
	if err != nil {
		return nil, err
	}
	defer s.close()
	smallest, err := b.baseline("smallest")
	if err != nil {
		return nil, err
	}
	var times sample
	for range startRounds {
		ours, err := s.timeToStart(ctx, b.binary)
		if err != nil {
			return nil, err
		}
		theirs, err := s.timeToStart(ctx, smallest)
		if err != nil {
			return nil, err
		}
		times.add(milliseconds(ours), milliseconds(theirs))
	}
	return []sample{times}, nil
}

// timeToStart starts a server and ends it when it has answered.
func (s *setting) timeToStart(ctx context.Context, program string) (time.Duration, error) {
	began := time.Now()
	a, err := s.agent(ctx, program)
	took := time.Since(began)
	if err == nil {
		a.end()
	}
	return took, err
}
