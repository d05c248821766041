package journal

import (
	"errors"
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
	for name, failing := range map[string]string{
		"in its middle": `CREATE TRIGGER failing BEFORE INSERT ON events WHEN NEW.position = 7 BEGIN SELECT RAISE(ABORT, 'no'); END`,
		"at its end":    `CREATE TRIGGER failing BEFORE INSERT ON blocks BEGIN SELECT RAISE(ABORT, 'no'); END`,
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, filepath.Join(t.TempDir(), "journal.db"))
			appendRange(t, j, 1, 5, "a")
			if _, err := j.write.ExecContext(t.Context(), failing); err != nil {
				t.Fatal(err)
			}
			if _, err := j.Append(t.Context(), []Entry{entry(6, "a"), entry(7, "a")}); err == nil {
				t.Fatal("it did not fail")
			}
			mustHave(t, j, 1, 5)
			if _, err := j.write.ExecContext(t.Context(), `DROP TRIGGER failing`); err != nil {
				t.Fatal(err)
			}
			appendRange(t, j, 6, 7, "a")
			mustHave(t, j, 1, 7)
			mustKnow(t, j, 1, 7)
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
