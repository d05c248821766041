package bus

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// consumers are the connections that keep the bus running.
type consumers struct {
	mu    sync.Mutex
	conns map[*conn]struct{}
	// unused is since when there are none.
	unused time.Time
}

func newConsumers() *consumers {
	return &consumers{conns: map[*conn]struct{}{}, unused: time.Now()}
}

func (cs *consumers) add(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.conns[c] = struct{}{}
}

func (cs *consumers) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.conns, c)
	cs.unused = time.Now()
}

// idle is for how long there have been none; 0 if there are some.
func (cs *consumers) idle() time.Duration {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.conns) > 0 {
		return 0
	}
	return time.Since(cs.unused)
}

// list returns the connections, oldest first.
func (cs *consumers) list() []*conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var conns []*conn
	for c := range cs.conns {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *conn) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.hello.PID, b.hello.PID))
	})
	return conns
}

// tellStopping tells all consumers that somebody ends the bus, so that they do not start another one. One that
// does not read is not waited for.
func (b *Bus) tellStopping() {
	var told sync.WaitGroup
	for _, c := range b.consumers.list() {
		told.Go(func() {
			c.net.SetWriteDeadline(time.Now().Add(time.Second))
			c.reply(protocol.Response{Stopping: &protocol.Empty{}})
		})
	}
	told.Wait()
}

// watchIdle ends a bus that has had no consumer for the idle time.
func (b *Bus) watchIdle(ctx context.Context) {
	if b.opts.KeepAlive {
		return
	}
	timer := time.NewTimer(b.opts.Idle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		idle := b.consumers.idle()
		if idle >= b.opts.Idle {
			b.stop(errIdle)
			return
		}
		timer.Reset(b.opts.Idle - idle)
	}
}

// status describes the bus, also one whose journal is damaged.
func (b *Bus) status(ctx context.Context) (*protocol.Status, error) {
	stats, err := b.journal.Stats(ctx)
	if err != nil {
		b.noteUnreadable(err)
		if b.unreadable.Load() == nil {
			return nil, err
		}
	}
	state, _ := b.source.get()
	status := &protocol.Status{
		AppID: b.opts.App.ID, Domain: b.opts.Domain, PID: b.pid(), Binary: b.opts.Binary, Started: b.started.UTC(),
		KeepAlive: b.opts.KeepAlive, Goroutines: runtime.NumGoroutine(), Source: state, Scopes: b.scopes.list(), Counters: b.ingest.counters(),
		Problem: b.ingest.lastProblem(), Unreadable: b.unreadable.Load(), Acknowledgements: b.acks.histogram(), Consumers: []protocol.Consumer{},
		Journal: protocol.JournalStats{
			ID: b.journal.ID(), Events: stats.Events, Bytes: stats.Bytes, Head: stats.Head,
			Oldest: stats.Oldest, Newest: stats.Newest,
		},
	}
	for _, c := range b.consumers.list() {
		status.Consumers = append(status.Consumers, protocol.Consumer{
			Name: c.hello.Name, PID: c.hello.PID, Binary: c.hello.Binary, Since: c.since.UTC(), Keys: b.scopes.keys(c),
		})
	}
	return status, nil
}
