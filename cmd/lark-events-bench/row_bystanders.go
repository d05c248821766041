package main

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const (
	bystanders      = 1000
	bystanderRounds = 3
)

// bystandersRow is whether those who wait for something else slow down whom the events are for.
func bystandersRow() row {
	return row{name: "bystanders", run: measureBystanders, lines: []line{{
		what: "one matching consumer beside 1,000 that match nothing", unit: "events/s", against: "one consumer alone",
		limit: limit{atLeast: true, must: 0.9, aim: 1},
	}}}
}

func measureBystanders(ctx context.Context, b *bench) ([]sample, error) {
	var rate sample
	for range bystanderRounds {
		beside, err := b.load(ctx, (*setting).consumerBeside)
		if err != nil {
			return nil, err
		}
		alone, err := b.load(ctx, (*setting).consumer)
		if err != nil {
			return nil, err
		}
		rate.add(beside.rate, alone.rate)
	}
	return []sample{rate}, nil
}

// consumerBeside starts a consumer, and many that wait for what does not come.
func (s *setting) consumerBeside(ctx context.Context) (*process, error) {
	p, err := s.consumer(ctx)
	if err != nil {
		return nil, err
	}
	others, detach, err := attachMany(ctx, s.app, bystanders)
	if err != nil {
		return nil, err
	}
	s.onClose = append(s.onClose, detach)
	for _, f := range others {
		err := f.ask(protocol.Fetch{
			Types: []string{"im.message.reaction.created_v1"}, Max: 100, WaitMS: time.Hour.Milliseconds(),
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}
