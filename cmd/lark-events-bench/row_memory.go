package main

import (
	"context"
	"time"
)

const (
	memoryRounds = 3
	// memorySettle is how long processes have done nothing when they are looked at.
	memorySettle = 3 * time.Second
)

// memoryRow is what a session costs that does nothing.
func memoryRow() row {
	limits := limit{must: 3, aim: 2}
	return row{name: "memory", run: measureMemory, lines: []line{
		{what: "resident memory, MCP server with a subscription, idle", unit: "MiB", against: smallestServer, limit: limits},
		{what: "resident memory, its bus, idle", unit: "MiB", against: smallestServer, limit: limits},
	}}
}

func measureMemory(ctx context.Context, b *bench) ([]sample, error) {
	smallest, err := b.baseline("smallest")
	if err != nil {
		return nil, err
	}
	var server, bus sample
	for range memoryRounds {
		if err := b.memory(ctx, smallest, &server, &bus); err != nil {
			return nil, err
		}
	}
	return []sample{server, bus}, nil
}

// memory looks at a server, its bus, and the smallest server, each in its first seconds.
func (b *bench) memory(ctx context.Context, smallest string, server, bus *sample) error {
	s, err := b.newSetting()
	if err != nil {
		return err
	}
	defer s.close()
	pids, err := s.idlers(ctx)
	if err != nil {
		return err
	}
	small, err := s.agent(ctx, smallest)
	if err != nil {
		return err
	}
	for _, a := range []*agent{pids.server, small} {
		if _, err := a.call("tools/list", nil); err != nil {
			return err
		}
	}
	time.Sleep(memorySettle)
	var mib [3]float64
	for i, pid := range []int{pids.server.pid(), pids.bus.pid(), small.pid()} {
		if mib[i], err = memoryOf(pid); err != nil {
			return err
		}
	}
	server.add(mib[0], mib[2])
	bus.add(mib[1], mib[2])
	return nil
}

// idlers are a server with a subscription, for which nothing comes, and its bus.
type idlers struct {
	bus    *process
	server *agent
}

func (s *setting) idlers(ctx context.Context) (i idlers, err error) {
	if i.bus, err = s.bus(ctx); err == nil {
		i.server, err = s.subscriber(ctx)
	}
	return i, err
}
