package bus

import (
	"sync/atomic"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// ackBounds are the buckets of acknowledgements: from one write to a fast disk to the 3 s that the platform waits.
var ackBounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 3 * time.Second,
}

// durations counts durations by ackBounds. It takes no lock and allocates nothing, because it is told of every event.
type durations struct {
	counts [len(ackBounds) + 1]atomic.Uint64 // the last one is of those beyond all bounds
	sum    atomic.Int64                      // nanoseconds
}

func (d *durations) observe(took time.Duration) {
	bucket := 0
	for bucket < len(ackBounds) && took > ackBounds[bucket] {
		bucket++
	}
	d.counts[bucket].Add(1)
	d.sum.Add(int64(took))
}

// histogram returns what was counted. What is observed at the same time may be in its counts and not in its sum.
func (d *durations) histogram() *protocol.Histogram {
	h := &protocol.Histogram{Sum: time.Duration(d.sum.Load()).Seconds()}
	for i, bound := range ackBounds {
		h.Count += d.counts[i].Load()
		h.Bounds, h.Counts = append(h.Bounds, bound.Seconds()), append(h.Counts, h.Count)
	}
	h.Count += d.counts[len(ackBounds)].Load()
	return h
}
