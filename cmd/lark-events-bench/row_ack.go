package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	ackRounds = 5
	ackEvents = 200
)

// ackRow is the time to acknowledge an event that comes alone.
func ackRow() row {
	return row{name: "ack", run: measureAck, lines: []line{{
		what: "acknowledgement, one at a time, p50", unit: "ms", against: "one write and fsync of the same bytes",
		limit: limit{must: 3, aim: 1.5},
	}}}
}

func measureAck(ctx context.Context, b *bench) ([]sample, error) {
	s, err := b.newSetting()
	if err != nil {
		return nil, err
	}
	defer s.close()
	p, err := s.consumer(ctx)
	if err != nil {
		return nil, err
	}
	var p50 sample
	var bare []time.Duration
	for range ackRounds {
		ours, err := s.deliver(ctx, p, ackEvents, 1)
		if err != nil {
			return nil, err
		}
		theirs, err := writeAndSync(s.app.Dir, slices.Collect(s.platform.Texts(ackEvents, textSize)))
		if err != nil {
			return nil, err
		}
		bare = append(bare, theirs...)
		p50.add(milliseconds(percentile(ours.took, 50)), milliseconds(percentile(theirs, 50)))
	}
	fsync := percentile(bare, 50)
	b.note("a write and fsync of one event takes %s ms at p50, %s ms at p99, in %s",
		number(milliseconds(fsync)), number(milliseconds(percentile(bare, 99))), b.dir)
	if fsync < 20*time.Microsecond {
		b.note("that is no disk: name a directory on one with --dir")
	}
	return []sample{p50}, nil
}

// writeAndSync appends each of the bodies to a new file in dir, each followed by an fsync, and returns how long each took.
func writeAndSync(dir string, bodies [][]byte) ([]time.Duration, error) {
	file, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return nil, err
	}
	defer os.Remove(filepath.Clean(file.Name()))
	defer file.Close()
	var took []time.Duration
	for _, body := range bodies {
		began := time.Now()
		if _, err := file.Write(body); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, fmt.Errorf("sync: %w", err)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
