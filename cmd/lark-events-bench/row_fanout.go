package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const (
	fanoutConsumers = 200
	fanoutRounds    = 5
	fanoutEvents    = 8000
	fanoutSingle    = 300 // one at a time
)

// fanoutRow is what another consumer of the same events costs the bus.
func fanoutRow() row {
	return row{name: "fanout", run: measureFanout, lines: []line{{
		what: "200 consumers of one type, 256 in flight: the bus's CPU for each event and consumer", unit: "µs",
		against: "writing the same bytes to 200 sockets, as many at a time", limit: limit{must: 3, aim: 1.5},
	}}}
}

func measureFanout(ctx context.Context, b *bench) ([]sample, error) {
	s, err := b.newSetting()
	if err != nil {
		return nil, err
	}
	defer s.close()
	bus, err := s.bus(ctx)
	if err != nil {
		return nil, err
	}
	consumers, detach, err := attachMany(ctx, s.app, fanoutConsumers)
	if err != nil {
		return nil, err
	}
	defer detach()
	var cost sample
	var loaded outlay
	for range fanoutRounds {
		if loaded, err = s.fanOut(ctx, bus.pid(), consumers, fanoutEvents, inFlight); err != nil {
			return nil, err
		}
		bare, err := s.fanBare(ctx, loaded)
		if err != nil {
			return nil, err
		}
		cost.add(loaded.each(loaded.cpu), loaded.each(bare))
	}
	unread, err := s.fanOut(ctx, bus.pid(), nil, fanoutEvents, inFlight)
	if err != nil {
		return nil, err
	}
	b.note("200 consumers: of the bus's CPU for each event and consumer %s µs are its 200th of receiving and keeping the event, which bare writes have not",
		number(unread.each(unread.cpu)))
	for _, f := range consumers {
		f.after += fanoutEvents
	}
	// How many events a consumer gets at once is most of what they cost, so that the other end is told too.
	single, err := s.fanOut(ctx, bus.pid(), consumers, fanoutSingle, 1)
	if err != nil {
		return nil, err
	}
	bare, err := s.fanBare(ctx, single)
	if err != nil {
		return nil, err
	}
	b.note("200 consumers, 256 in flight: a consumer got %s events at once; one at a time: %s, and the bus's CPU for each event and consumer is %s µs, %s times that of bare writes",
		number(loaded.perBatch()), number(single.perBatch()), number(single.each(single.cpu)), number(single.each(single.cpu)/single.each(bare)))
	return []sample{cost}, nil
}

// outlay is what it took to bring events to all consumers.
type outlay struct {
	events  int
	cpu     time.Duration
	batches int // answers, of all consumers together
	bytes   int
}

// each is a part of CPU time for each event and consumer, in µs.
func (o outlay) each(cpu time.Duration) float64 {
	return microseconds(cpu) / float64(o.events*fanoutConsumers)
}

// perBatch is how many events a consumer got at once, on average.
func (o outlay) perBatch() float64 { return float64(o.events*fanoutConsumers) / float64(o.batches) }

// fanOut sends events that all the consumers fetch, and measures the bus.
func (s *setting) fanOut(ctx context.Context, bus int, consumers []*fetcher, events, inFlight int) (outlay, error) {
	o := outlay{events: events}
	before, err := cpuOf(bus)
	if err != nil {
		return o, err
	}
	type got struct {
		batches, bytes int
		err            error
	}
	all := make(chan got, len(consumers))
	for _, f := range consumers {
		go func() {
			var g got
			for end := f.after + eventcore.Position(events); f.after < end && g.err == nil; g.batches++ {
				var size int
				size, g.err = f.fetch(protocol.Fetch{Types: []string{messageKey}, Max: 100, WaitMS: time.Minute.Milliseconds()})
				g.bytes += size
			}
			all <- g
		}()
	}
	bodies := slices.Collect(s.platform.Texts(events, textSize))
	load, err := s.platform.SendAll(ctx, slices.Values(bodies), inFlight)
	if err == nil && load.Acknowledged != events {
		err = fmt.Errorf("of %d events %d were acknowledged", events, load.Acknowledged)
	}
	if err != nil {
		return o, err
	}
	for range consumers {
		select {
		case g := <-all:
			o.batches, o.bytes, err = o.batches+g.batches, o.bytes+g.bytes, errors.Join(err, g.err)
		case <-ctx.Done():
			return o, fmt.Errorf("await what %d consumers fetch: %w", len(consumers), ctx.Err())
		}
	}
	after, cpuErr := cpuOf(bus)
	o.cpu = after - before
	return o, errors.Join(err, cpuErr)
}

// fanBare returns the CPU time of a process that writes as many bytes to as many sockets, in as many writes.
func (s *setting) fanBare(ctx context.Context, o outlay) (time.Duration, error) {
	path := filepath.Join(s.app.Dir, "fan.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the helper
				defer conn.Close()
				io.Copy(io.Discard, conn)
			}()
		}
	}()
	p, err := s.startHelper(ctx, "fan", path, strconv.Itoa(fanoutConsumers), strconv.Itoa(o.batches/fanoutConsumers), strconv.Itoa(o.bytes/o.batches))
	if err != nil {
		return 0, err
	}
	defer p.end()
	if err := p.skip(1); err != nil {
		return 0, err
	}
	before, err := cpuOf(p.pid())
	if err != nil {
		return 0, err
	}
	if err := errors.Join(p.write([]byte("\n")), p.skip(1)); err != nil {
		return 0, err
	}
	after, err := cpuOf(p.pid())
	return after - before, err
}
