package journal

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestTrimPassesOverEventsStampedInTheFuture(t *testing.T) {
	const day = 24 * time.Hour
	now := time.UnixMilli(1_800_000_000_000)
	for name, c := range map[string]struct {
		stamps  []time.Duration // from now, by position
		removed int
	}{
		"old events behind one":                {[]time.Duration{365 * day, -9 * day, -8 * day, -time.Hour}, 3},
		"old events around some":               {[]time.Duration{-9 * day, 365 * day, 366 * day, -8 * day, -time.Hour}, 4},
		"only newer events behind one":         {[]time.Duration{-8 * day, 365 * day, -time.Hour}, 1},
		"nothing behind one":                   {[]time.Duration{-8 * day, 365 * day}, 1},
		"an old stamp behind one that is kept": {[]time.Duration{-time.Hour, 365 * day, -8 * day}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, filepath.Join(t.TempDir(), "journal.db"))
			for i, stamp := range c.stamps {
				e := entry(i+1, "a")
				e.Received = now.Add(stamp)
				if _, err := j.Append(t.Context(), []Entry{e}); err != nil {
					t.Fatal(err)
				}
			}
			n, err := j.Trim(t.Context(), Retention{Age: 7 * day, Bytes: 1 << 30}, now)
			if err != nil || n != c.removed {
				t.Errorf("removed %d events, %v; want %d", n, err, c.removed)
			}
			mustHave(t, j, c.removed+1, len(c.stamps))
			if oldest, err := j.Oldest(t.Context()); err != nil || oldest != eventcore.Position(c.removed) {
				t.Errorf("the oldest is behind %d, %v", oldest, err)
			}
		})
	}
}

func TestTheLatestArrivalBeforeATime(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	mustBe := func(before, want int) {
		t.Helper()
		got, err := j.LatestBefore(t.Context(), time.Unix(int64(before), 0))
		if err != nil || (want == 0) != got.IsZero() || (want > 0 && !got.Equal(time.Unix(int64(want), 0))) {
			t.Errorf("before second %d: %v, %v; want second %d", before, got, err, want)
		}
	}
	mustBe(100, 0)
	appendRange(t, j, 10, 10+2*blockEvents+4, "a") // event n at second n: two full blocks and 5 events, seconds 130 to 134
	mustBe(10, 0)
	mustBe(1000, 134)
	mustBe(132, 131)
	mustBe(130, 129)
	mustBe(100, 69) // of a block of which some arrived later, no event counts
	mustBe(69, 0)
	appendRange(t, j, 1000, 1000, "a") // the clock leaps ahead
	back := entry(1001, "a")
	back.Received = time.Unix(140, 0)
	if _, err := j.Append(t.Context(), []Entry{back}); err != nil {
		t.Fatal(err)
	}
	mustBe(2000, 140)
	mustBe(140, 134)
}
