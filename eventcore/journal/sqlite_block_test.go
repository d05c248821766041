package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// several is more events than one block describes, and no multiple of it.
const several = 3*blockEvents + 7

// mustHave fails the test unless exactly the events from to to, with position n for event n, are retained, and no others.
func mustHave(t *testing.T, j Journal, from, to int) {
	t.Helper()
	batch, err := j.Read(t.Context(), Query{Limit: to + 1})
	if err != nil || len(batch.Records) != to-from+1 || batch.Gap != (from > 1) {
		t.Fatalf("read %d events, gap %t, %v; want %d to %d", len(batch.Records), batch.Gap, err, from, to)
	}
	var bytes int64
	for i, r := range batch.Records {
		want := entry(from+i, "")
		if r.Position != eventcore.Position(from+i) || string(r.Event) != string(want.Event) {
			t.Fatalf("event %d is %s at position %d", from+i, r.Event, r.Position)
		}
		bytes += int64(len(r.Event))
	}
	stats, err := j.Stats(t.Context())
	if err != nil || stats.Events != to-from+1 || stats.Bytes != bytes || int(stats.Head) != to {
		t.Errorf("stats %+v, %v; want %d events, %d bytes", stats, err, to-from+1, bytes)
	}
}

// mustKnow fails the test unless each of the events from to to is a duplicate.
func mustKnow(t *testing.T, j Journal, from, to int) {
	t.Helper()
	var again []Entry
	for n := from; n <= to; n++ {
		again = append(again, entry(n, "a"))
	}
	got, err := j.Append(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if !got[i].Duplicate {
			t.Errorf("event %d is no duplicate", from+i)
		}
	}
}

func TestDuplicatesAreKnownOverTheWholeRetainedJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	for n := 1; n <= several; n++ {
		appendRange(t, j, n, n, "a")
	}
	mustKnow(t, j, 1, several)
	j.Close()
	j = open(t, path)
	mustKnow(t, j, 1, several)
	appendRange(t, j, several+1, 2*several, "a")
	const trimmed = blockEvents + 5 // one block whole, one in part
	n, err := j.Trim(t.Context(), Retention{Age: (2*several - trimmed - 1) * time.Second, Bytes: 1 << 30}, time.UnixMilli(2*several*1000))
	if err != nil || n != trimmed {
		t.Fatalf("trimmed %d, %v", n, err)
	}
	for range 2 {
		mustHave(t, j, trimmed+1, 2*several)
		mustKnow(t, j, trimmed+1, 2*several)
		j.Close()
		j = open(t, path)
	}
	got, err := j.Append(t.Context(), []Entry{entry(trimmed, "a")})
	if err != nil || got[0].Position != 2*several+1 {
		t.Errorf("an event that was trimmed: %v, %v", got, err)
	}
}

// An event that was not stored and then taken for a duplicate would be acknowledged, and lost.
func TestAnAppendThatFailedIsNotRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		failing string
		last    int // of the events of the append
	}{
		"alone":         {`INSERT ON events WHEN NEW.position = 6`, 6},
		"in its middle": {`INSERT ON events WHEN NEW.position = 7`, 7},
		"at its end":    {`INSERT ON blocks`, blockEvents},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, filepath.Join(t.TempDir(), "journal.db"))
			appendRange(t, j, 1, 5, "a")
			_, err := j.write.ExecContext(t.Context(), `CREATE TRIGGER failing BEFORE `+c.failing+` BEGIN SELECT RAISE(ABORT, 'no'); END`)
			if err != nil {
				t.Fatal(err)
			}
			var entries []Entry
			for n := 6; n <= c.last; n++ {
				entries = append(entries, entry(n, "a"))
			}
			if _, err := j.Append(t.Context(), entries); err == nil {
				t.Fatal("it did not fail")
			}
			mustHave(t, j, 1, 5)
			if _, err := j.write.ExecContext(t.Context(), `DROP TRIGGER failing`); err != nil {
				t.Fatal(err)
			}
			appendRange(t, j, 6, c.last, "a")
			mustHave(t, j, 1, c.last)
			mustKnow(t, j, 1, c.last)
		})
	}
}

// What an append keeps in memory must be true of what is stored.
func TestAnAppendThatIsGivenUpBeforeItBeginsStoresNothing(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(ctx, []Entry{entry(1, "a")}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	appendRange(t, j, 1, 3, "a")
	mustHave(t, j, 1, 3)
}

// The newest events are in no block yet; what is said of them is read from them, as far as they were not trimmed.
func TestEventsBehindTheLastBlockAreKnownAfterATrimAndARestart(t *testing.T) {
	for _, c := range []struct{ appended, trimmed int }{
		{blockEvents - 1, 3}, {blockEvents + 7, blockEvents}, {blockEvents + 7, blockEvents + 3}, {blockEvents + 7, blockEvents + 7},
		{2 * blockEvents, blockEvents + 3}, {2 * blockEvents, 2 * blockEvents},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			j := open(t, path)
			for n := 1; n <= c.appended; n++ {
				appendRange(t, j, n, n, "a")
			}
			retention := Retention{Age: time.Duration(c.appended-c.trimmed-1) * time.Second, Bytes: 1 << 30}
			if n, err := j.Trim(t.Context(), retention, time.UnixMilli(int64(c.appended)*1000)); err != nil || n != c.trimmed {
				t.Fatalf("trimmed %d, %v", n, err)
			}
			last := c.appended
			for range 3 {
				mustHave(t, j, c.trimmed+1, last)
				mustKnow(t, j, c.trimmed+1, last)
				for _, n := range []int{c.trimmed + 1, last, last + 1} {
					want := eventcore.Position(max(min(n, last+1), c.trimmed+1) - 1)
					if got, err := j.SeekTime(t.Context(), time.Unix(int64(n), 0)); err != nil || got != want {
						t.Errorf("second %d of %d: position %d, %v; want %d", n, last, got, err, want)
					}
				}
				j.Close()
				j = open(t, path)
				appendRange(t, j, last+1, last+blockEvents, "a")
				last += blockEvents
			}
		})
	}
}

func TestSeekTimeWhenTheClockJumps(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	var entries []Entry
	for n := 1; n <= several; n++ {
		e := entry(n, "a")
		if n == 2 {
			e.Received = time.Unix(1_000_000, 0) // for a moment
		}
		entries = append(entries, e)
	}
	if _, err := j.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	seek := func(second int64, want eventcore.Position) {
		t.Helper()
		if got, err := j.SeekTime(t.Context(), time.Unix(second, 0)); err != nil || got != want {
			t.Errorf("second %d: position %d, %v; want %d", second, got, err, want)
		}
	}
	seek(1, 0)
	seek(100, 1)
	seek(2_000_000, several)
	bytes := j.counters().bytes - int64(len(`{"n":1}{"n":2}`))
	if n, err := j.Trim(t.Context(), Retention{Age: time.Hour, Bytes: bytes}, time.Unix(several, 0)); err != nil || n != 2 {
		t.Fatalf("trimmed %d, %v", n, err)
	}
	seek(100, 99)
	seek(1_000_000, several)
}

func TestDamagedBlocksAreExplained(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	appendRange(t, j, 1, several, "a")
	if _, err := j.write.ExecContext(t.Context(), `DROP TABLE blocks`); err != nil {
		t.Fatal(err)
	}
	j.Close()
	var e *eventcore.Error
	if _, err := OpenSQLite(t.Context(), path); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("got %v, want what to do", err)
	}
}
