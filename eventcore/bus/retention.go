package bus

import (
	"context"
	"time"
)

const (
	// retentionInterval is how often the journal is trimmed.
	retentionInterval = time.Minute
	// steadyFor is how long the clock must have kept a leap before events count as older for it. The clock of a machine
	// that wakes up, or starts without a battery, may be years off until it is set.
	steadyFor = 15 * time.Minute
)

// retain keeps the journal within its retention until ctx ends.
func (b *Bus) retain(ctx context.Context) {
	ticker := time.NewTicker(retentionInterval)
	defer ticker.Stop()
	hold := min(steadyFor, b.opts.Retention.Age)
	// Until the clock has proved steady, it is at least as late as the newest event arrived. Those of the last hold do not
	// count: a leap that has not been kept for so long may have stamped them. Nor do older ones with later times: a clock
	// that is ahead at each start has stamped them.
	witnessed, err := b.journal.LatestBefore(ctx, b.wall().Add(-hold))
	if err != nil && ctx.Err() == nil {
		b.log.Error("it is not known since when events have arrived", "error", err)
	}
	clock := steadyClock{hold: hold, witnessed: witnessed}
	for {
		now := clock.observe(b.wall(), time.Since(b.started))
		if n, err := b.journal.Trim(ctx, b.opts.Retention, now); err != nil && ctx.Err() == nil {
			b.log.Error("old events could not be removed", "error", err)
		} else if n > 0 {
			b.log.Info("old events were removed", "events", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// steadyClock tells the time by a wall clock that may leap: what was removed because of a leap ahead would not come
// back with the leap back.
type steadyClock struct {
	hold      time.Duration
	witnessed time.Time      // what it is at least, as the events tell
	readings  []clockReading // of the last hold, oldest first
}

// clockReading is what the wall clock said when the bus had run for so long.
type clockReading struct {
	running time.Duration
	wall    time.Time
}

// observe takes a reading and returns the earliest of the times that those of the last hold amount to by now: a leap
// ahead counts once it was kept for so long, a leap back at once. Before there are readings of so long it returns what
// was witnessed; at the zero time nothing is old.
func (c *steadyClock) observe(wall time.Time, running time.Duration) time.Time {
	c.readings = append(c.readings, clockReading{running, wall})
	for len(c.readings) > 1 && running-c.readings[1].running >= c.hold {
		c.readings = c.readings[1:]
	}
	if running-c.readings[0].running < c.hold {
		return c.witnessed
	}
	earliest := wall
	for _, r := range c.readings {
		if now := r.wall.Add(running - r.running); now.Before(earliest) {
			earliest = now
		}
	}
	return earliest
}
