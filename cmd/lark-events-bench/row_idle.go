package main

import (
	"context"
	"time"
)

// idleTime is how long a server and its bus are watched, and idleSettle, how long after their start.
const (
	idleTime   = time.Minute
	idleSettle = 3 * time.Second
)

// idleRow is what is used while nothing happens.
func idleRow() row {
	limits := limit{absolute: true, must: 0.1}
	return row{name: "idle", run: measureIdle, beside: true, lines: []line{
		{what: "CPU over 60 s, MCP server with a subscription, idle", unit: "%", limit: limits},
		{what: "CPU over 60 s, its bus, idle", unit: "%", limit: limits},
	}}
}

func measureIdle(ctx context.Context, b *bench) ([]sample, error) {
	s, err := b.newSetting()
	if err != nil {
		return nil, err
	}
	defer s.close()
	i, err := s.idlers(ctx)
	if err != nil {
		return nil, err
	}
	time.Sleep(idleSettle)
	pids := []int{i.server.pid(), i.bus.pid()}
	var before, after [2]time.Duration
	for n, pid := range pids {
		if before[n], err = cpuOf(pid); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	samples := make([]sample, len(pids))
	for n, pid := range pids {
		if after[n], err = cpuOf(pid); err != nil {
			return nil, err
		}
		samples[n].ours = []float64{100 * (after[n] - before[n]).Seconds() / idleTime.Seconds()}
	}
	return samples, nil
}
