package main

import "context"

const (
	loadRounds = 8
	loadEvents = 20_000
	loadWarm   = 2_000
)

// loadRow is the way of events from the long connection over the journal to consume's stdout, under load. There are two
// clients to compare with, because the SDK has two ways to register a handler.
func loadRow() row {
	r := row{name: "load", run: measureLoad}
	for _, against := range []string{
		"the SDK's client with a typed handler, as documented; keeps nothing",
		"the SDK's client with a raw handler, its fastest; keeps nothing",
	} {
		r.lines = append(r.lines, line{
			what: "events received, kept and printed, 256 in flight", unit: "events/s", against: against,
			limit: limit{atLeast: true, must: 1, aim: 2},
		}, line{
			what: "acknowledgement, 256 in flight, p99", unit: "ms", against: against, limit: limit{must: 1, aim: 0.5},
		})
	}
	return r
}

func measureLoad(ctx context.Context, b *bench) ([]sample, error) {
	if err := b.notePlatform(ctx); err != nil {
		return nil, err
	}
	clients := []func(*setting, context.Context) (*process, error){(*setting).typedClient, (*setting).rawClient}
	samples := make([]sample, 2*len(clients))
	for range loadRounds {
		ours, err := b.load(ctx, (*setting).consumer)
		if err != nil {
			return nil, err
		}
		for i, client := range clients {
			theirs, err := b.load(ctx, client)
			if err != nil {
				return nil, err
			}
			samples[2*i].add(ours.rate, theirs.rate)
			samples[2*i+1].add(milliseconds(percentile(ours.took, 99)), milliseconds(percentile(theirs.took, 99)))
		}
	}
	return samples, nil
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
