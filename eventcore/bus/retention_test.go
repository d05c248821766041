package bus

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/journal"
)

// leap is what the clock does when the bus has run for so long: it is set to be off by so much.
type leap struct{ after, off time.Duration }

func TestFaultTheClockLeapsAndNoEventIsRemovedEarly(t *testing.T) {
	const age, year = 3 * time.Hour, 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		leaps []leap
		// kept is when the events, which arrive 10 minutes after the start, must still be there, gone when they must not.
		kept, gone time.Duration
	}{
		"a clock that runs":                        {nil, age + 9*time.Minute, age + 12*time.Minute},
		"a year ahead for a minute":                {[]leap{{30 * time.Minute, year}, {31*time.Minute + 1, 0}}, age + 9*time.Minute, age + 12*time.Minute},
		"a year ahead for ten minutes":             {[]leap{{30 * time.Minute, year}, {40 * time.Minute, 0}}, age + 9*time.Minute, age + 12*time.Minute},
		"a year ahead at the start":                {[]leap{{0, year}, {9 * time.Minute, 0}}, age + 9*time.Minute, age + 12*time.Minute},
		"a year ahead again and again":             {[]leap{{20 * time.Minute, year}, {30 * time.Minute, 0}, {32 * time.Minute, year}, {45 * time.Minute, 0}}, age + 9*time.Minute, age + 12*time.Minute},
		"a year back for ten minutes":              {[]leap{{30 * time.Minute, -year}, {40 * time.Minute, 0}}, age + 9*time.Minute, age + 12*time.Minute},
		"a year back and ahead":                    {[]leap{{20 * time.Minute, -year}, {25 * time.Minute, year}, {38 * time.Minute, 0}}, age + 9*time.Minute, age + 12*time.Minute},
		"the machine slept for longer than an age": {[]leap{{30 * time.Minute, 2 * age}}, 44 * time.Minute, 47 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, log := newRetaining(t, age)
				b.wall = func() time.Time {
					now := time.Now().Round(0)
					off := time.Duration(0)
					for _, l := range c.leaps {
						if time.Since(b.started) >= l.after {
							off = l.off
						}
					}
					return now.Add(off)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var retaining sync.WaitGroup
				retaining.Go(func() { b.retain(ctx) })
				defer retaining.Wait()
				defer cancel()

				events := func(at time.Duration) int {
					t.Helper()
					time.Sleep(at - time.Since(b.started))
					synctest.Wait()
					stats, err := log.Stats(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					return stats.Events
				}
				events(10 * time.Minute)
				if _, err := log.Append(t.Context(), []journal.Entry{
					{ID: "1", Type: "t.a", Received: b.wall(), Event: []byte(`{}`)}, {ID: "2", Type: "t.a", Received: b.wall(), Event: []byte(`{}`)},
				}); err != nil {
					t.Fatal(err)
				}
				if n := events(c.kept); n != 2 {
					t.Errorf("%v after the start, %d events are retained, want 2", c.kept, n)
				}
				if n := events(c.gone); n != 0 {
					t.Errorf("%v after the start, %d events are retained, want none", c.gone, n)
				}
			})
		})
	}
}

// Buses that end before their clock counts as steady would otherwise keep everything.
func TestShortBusesRemoveOldEvents(t *testing.T) {
	const age, day, year = 7 * 24 * time.Hour, 24 * time.Hour, 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		arrived []time.Duration // the events' ages when the bus starts, by the right clock
		off     time.Duration   // of the clock, from then on
		kept    int
	}{
		"old by both":        {[]time.Duration{20 * day, 9 * day, day}, 0, 1},
		"none arrived since": {[]time.Duration{20 * day, 12 * day, 9 * day}, 0, 2},
		"the clock is ahead": {[]time.Duration{5 * day, 4 * day, day}, year, 3},
		"the clock is ahead and an event has arrived by it": {[]time.Duration{5 * day, 4 * day, time.Minute - year}, year, 3},
		"the clock is ahead, as it was at the start before": {[]time.Duration{5 * day, 4 * day, 3*day - year, day}, year, 4},
		"the clock is back": {[]time.Duration{20 * day, 9 * day, day}, -year, 3},
		"the clock was ahead when the last event had arrived": {[]time.Duration{20 * day, 9 * day, day, -year}, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, log := newRetaining(t, age)
				for i, ago := range c.arrived {
					received := time.Now().Add(-ago)
					if _, err := log.Append(t.Context(), []journal.Entry{{ID: fmt.Sprint(i), Type: "t.a", Received: received, Event: []byte(`{}`)}}); err != nil {
						t.Fatal(err)
					}
				}
				b.wall = func() time.Time { return time.Now().Round(0).Add(c.off) }
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				b.retain(ctx)
				stats, err := log.Stats(t.Context())
				if err != nil || stats.Events != c.kept {
					t.Errorf("%d events are retained (%v), want %d", stats.Events, err, c.kept)
				}
			})
		})
	}
}

// newRetaining returns a bus that keeps events for an age, and its journal.
func newRetaining(t *testing.T, age time.Duration) (*Bus, *journal.SQLite) {
	log, err := journal.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return newBus(Options{Logger: slog.New(slog.DiscardHandler), Retention: journal.Retention{Age: age, Bytes: 1 << 30}}, log, &scopes{}), log
}
