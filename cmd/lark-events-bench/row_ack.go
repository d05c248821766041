package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	ackRounds = 5
	ackEvents = 200
)

// ackRow is the time to acknowledge an event that comes alone: the one before it has been printed. Each is followed by
// the write it is measured against, so that both meet the machine and its disk in the same state.
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
	file, err := os.CreateTemp(s.app.Dir, "fsync")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var p50 sample
	var bare []time.Duration
	for range ackRounds {
		var ours, theirs []time.Duration
		for body := range s.platform.Texts(ackEvents, textSize) {
			one, err := s.deliver(ctx, p, 1, 1)
			if err != nil {
				return nil, err
			}
			took, err := writeAndSync(file, body)
			if err != nil {
				return nil, err
			}
			ours, theirs = append(ours, one.took...), append(theirs, took)
		}
		bare = append(bare, theirs...)
		p50.add(milliseconds(percentile(ours, 50)), milliseconds(percentile(theirs, 50)))
	}
	fsync := percentile(bare, 50)
	b.note("a write and fsync of one event takes %s ms at p50, %s ms at p99, in %s",
		number(milliseconds(fsync)), number(milliseconds(percentile(bare, 99))), b.dir)
	if fsync < 20*time.Microsecond {
		b.note("that is no disk: name a directory on one with --dir")
	}
	return []sample{p50}, nil
}

// writeAndSync appends body to file, on disk, and returns how long it took.
func writeAndSync(file *os.File, body []byte) (time.Duration, error) {
	began := time.Now()
	if _, err := file.Write(body); err != nil {
		return 0, err
	}
	if err := file.Sync(); err != nil {
		return 0, fmt.Errorf("sync: %w", err)
	}
	return time.Since(began), nil
}
