package main

import (
	"context"
)

const (
	loadRounds = 4
	loadEvents = 20_000
	loadWarm   = 2_000
)

// loadRow is the way of events from the long connection over the journal to consume's stdout, under load.
func loadRow() row {
	const against = "a minimal client made with the SDK, which keeps nothing"
	return row{name: "load", run: measureLoad, lines: []line{
		{
			what: "events received, kept and printed, 256 in flight", unit: "events/s", against: against,
			limit: limit{atLeast: true, must: 1, aim: 2},
		},
		{what: "acknowledgement, 256 in flight, p99", unit: "ms", against: against, limit: limit{must: 1, aim: 0.5}},
	}}
}

func measureLoad(ctx context.Context, b *bench) ([]sample, error) {
	if err := b.notePlatform(ctx); err != nil {
		return nil, err
	}
	var rate, p99 sample
	for range loadRounds {
		ours, err := b.load(ctx, (*setting).consumer)
		if err != nil {
			return nil, err
		}
		theirs, err := b.load(ctx, (*setting).sdkClient)
		if err != nil {
			return nil, err
		}
		rate.add(ours.rate, theirs.rate)
		p99.add(milliseconds(percentile(ours.took, 99)), milliseconds(percentile(theirs.took, 99)))
	}
	return []sample{rate, p99}, nil
}

// load sends events to a program that receiver starts in a setting of its own.
func (b *bench) load(ctx context.Context, receiver func(*setting, context.Context) (*process, error)) (delivery, error) {
	s, err := b.newSetting()
	if err != nil {
		return delivery{}, err
	}
	defer s.close()
	p, err := receiver(s, ctx)
	if err != nil {
		return delivery{}, err
	}
	if _, err := s.deliver(ctx, p, loadWarm, inFlight); err != nil {
		return delivery{}, err
	}
	return s.deliver(ctx, p, loadEvents, inFlight)
}
