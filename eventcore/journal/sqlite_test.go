package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func open(t *testing.T, path string) *SQLite {
	t.Helper()
	j, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func entry(n int, eventType string) Entry {
	return Entry{
		ID: fmt.Sprintf("ev-%d", n), Type: eventType, Received: time.UnixMilli(int64(n) * 1000),
		Event: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

func appendRange(t *testing.T, j Journal, from, to int, eventType string) {
	t.Helper()
	var entries []Entry
	for n := from; n <= to; n++ {
		entries = append(entries, entry(n, eventType))
	}
	if _, err := j.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

func positions(b Batch) []eventcore.Position {
	var found []eventcore.Position
	for _, r := range b.Records {
		found = append(found, r.Position)
	}
	return found
}

func TestAppendedEventsAreReadInOrderAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	appendRange(t, j, 1, 5, "a")
	id := j.ID()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if j.ID() != id {
		t.Errorf("the id changed from %s to %s", id, j.ID())
	}
	batch, err := j.Read(t.Context(), Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range batch.Records {
		if want := fmt.Sprintf(`{"n":%d}`, i+1); string(r.Event) != want || r.Type != "a" {
			t.Errorf("record %d is %s %s, want a %s", i, r.Type, r.Event, want)
		}
	}
	if len(batch.Records) != 5 || batch.More || batch.Gap || batch.Next != 5 {
		t.Errorf("got %d records, %+v", len(batch.Records), batch)
	}
}

func TestAnEventIsKeptOnce(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	first, err := j.Append(t.Context(), []Entry{entry(1, "a"), entry(2, "a"), entry(1, "a")})
	if err != nil {
		t.Fatal(err)
	}
	again, err := j.Append(t.Context(), []Entry{entry(2, "a"), entry(3, "a")})
	if err != nil {
		t.Fatal(err)
	}
	want := []Appended{{Position: 1}, {Position: 2}, {Duplicate: true}, {Duplicate: true}, {Position: 3}}
	if got := slices.Concat(first, again); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadSelects(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	for n := 1; n <= 9; n++ {
		appendRange(t, j, n, n, []string{"a", "b", "c"}[n%3]) // 1b 2c 3a 4b 5c 6a 7b 8c 9a
	}
	cases := []struct {
		name  string
		query Query
		want  []eventcore.Position
		next  eventcore.Position
		more  bool
	}{
		{"all", Query{Limit: 100}, []eventcore.Position{1, 2, 3, 4, 5, 6, 7, 8, 9}, 9, false},
		{"after", Query{After: 7, Limit: 100}, []eventcore.Position{8, 9}, 9, false},
		{"one type", Query{Types: []string{"b"}, Limit: 100}, []eventcore.Position{1, 4, 7}, 9, false},
		{"two types merge in order", Query{Types: []string{"b", "a"}, Limit: 100}, []eventcore.Position{1, 3, 4, 6, 7, 9}, 9, false},
		{"limit", Query{Types: []string{"b", "a"}, After: 1, Limit: 2}, []eventcore.Position{3, 4}, 4, true},
		{"exactly the rest", Query{Types: []string{"a"}, After: 3, Limit: 2}, []eventcore.Position{6, 9}, 9, false},
		{"unknown type passes over all", Query{Types: []string{"z"}, Limit: 5}, nil, 9, false},
		{"bytes", Query{Limit: 100, Bytes: 16}, []eventcore.Position{1, 2}, 2, true},
		{"bytes never starve", Query{Limit: 100, Bytes: 1}, []eventcore.Position{1}, 1, true},
		{"beyond the head", Query{After: 50, Limit: 5}, nil, 50, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			batch, err := j.Read(t.Context(), c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := positions(batch); !slices.Equal(got, c.want) || batch.Next != c.next || batch.More != c.more {
				t.Errorf("got %v next %d more %t, want %v next %d more %t", got, batch.Next, batch.More, c.want, c.next, c.more)
			}
		})
	}
}

func TestTrimByAgeAndBytesTellsReadersOfTheGap(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	appendRange(t, j, 1, 3000, "a")
	now := time.UnixMilli(3000 * 1000)

	if n, err := j.Trim(t.Context(), Retention{Age: 1000 * time.Second, Bytes: 1 << 30}, now); err != nil || n != 1999 {
		t.Fatalf("trim by age removed %d, %v; want 1999", n, err)
	}
	stats, err := j.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := j.Trim(t.Context(), Retention{Age: time.Hour, Bytes: stats.Bytes / 2}, now); err != nil || n < 400 || n > 600 {
		t.Fatalf("trim by bytes removed %d, %v; want about half of 1001", n, err)
	}
	oldest, _ := j.Oldest(t.Context())
	for after, gap := range map[eventcore.Position]bool{0: true, oldest - 1: true, oldest: false, 3000: false} {
		batch, err := j.Read(t.Context(), Query{After: after, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if batch.Gap != gap {
			t.Errorf("after %d with oldest %d: gap %t, want %t", after, oldest, batch.Gap, gap)
		}
	}
}

func TestAReadBetweenATrimAndItsCountersSeesTheGap(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	appendRange(t, j, 1, 10, "a")
	before := j.counters()
	if n, err := j.Trim(t.Context(), Retention{}, time.Now()); err != nil || n != 10 {
		t.Fatalf("trimmed %d, %v", n, err)
	}
	// As in the moment when the trim has committed, and has not yet said so to the rest of the process.
	j.setCounters(before)
	batch, err := j.Read(t.Context(), Query{After: 5, Limit: 10})
	if err != nil || len(batch.Records) != 0 || !batch.Gap {
		t.Errorf("got %+v, %v; want a gap", batch, err)
	}
}

func TestPositionsAreNotUsedAgainWhenEverythingWasTrimmed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	appendRange(t, j, 1, 3, "a")
	if _, err := j.Trim(t.Context(), Retention{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	j.Close()
	j = open(t, path)
	got, err := j.Append(t.Context(), []Entry{entry(4, "a")})
	if err != nil || got[0].Position != 4 {
		t.Fatalf("got %v, %v; want position 4", got, err)
	}
	stats, err := j.Stats(t.Context())
	if err != nil || stats.Events != 1 || stats.Head != 4 {
		t.Errorf("stats %+v, %v", stats, err)
	}
}

func TestSeekTime(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	appendRange(t, j, 1, 10, "a")
	for seconds, want := range map[int64]eventcore.Position{0: 0, 1: 0, 5: 4, 10: 9, 11: 10} {
		got, err := j.SeekTime(t.Context(), time.UnixMilli(seconds*1000))
		if err != nil || got != want {
			t.Errorf("seek to second %d: %d, %v; want %d", seconds, got, err, want)
		}
	}
}

func TestAppendsAndReadsBesideEachOther(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	const writers, each = 4, 50
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range each {
				if _, err := j.Append(context.Background(), []Entry{entry(w*each+n, "a")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	// A reader that follows must see every position once and in order.
	var after eventcore.Position
	for after < writers*each {
		batch, err := j.Read(t.Context(), Query{After: after, Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch.Records {
			if r.Position != after+1 {
				t.Fatalf("after %d came %d", after, r.Position)
			}
			after = r.Position
		}
	}
	group.Wait()
}

func TestTheFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	appendRange(t, j, 1, 1, "a")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", info.Name(), info.Mode().Perm())
		}
	}
}

func TestAForeignFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(path, []byte("this is no database, and it is long enough to tell"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), path); !eventcore.IsCode(err, eventcore.CodeBusUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestADirectoryInTheJournalsPlaceIsExplained(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	var e *eventcore.Error
	if _, err := OpenSQLite(t.Context(), path); !errors.As(err, &e) || !strings.Contains(e.Message, path) || e.Hint == "" {
		t.Errorf("got %v, want the path and what to do", err)
	}
}

func TestDamageFoundWhileReadingIsExplained(t *testing.T) {
	for name, damage := range map[string]func(j *SQLite, path string) *SQLite{
		"pages overwritten": func(j *SQLite, path string) *SQLite {
			j.Close() // which moves all events to the file
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			j = open(t, path)
			file, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for at := 0; at < len(text); at += 4096 {
				if !bytes.Contains(text[at:at+4096], []byte(`{"n":`)) {
					continue // what else is read at opening stays
				}
				if _, err := file.WriteAt(bytes.Repeat([]byte{0xff}, 4096), int64(at)); err != nil {
					t.Fatal(err)
				}
			}
			// The newest events were read at opening, and are in memory.
			if _, err := j.write.ExecContext(t.Context(), `PRAGMA shrink_memory`); err != nil {
				t.Fatal(err)
			}
			return j
		},
		"another file in its place": func(j *SQLite, _ string) *SQLite {
			if _, err := j.write.ExecContext(t.Context(), `DROP TABLE events`); err != nil {
				t.Fatal(err)
			}
			return j
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			j := open(t, path)
			appendRange(t, j, 1, 500, "a")
			j = damage(j, path)
			_, readErr := j.Read(t.Context(), Query{Limit: 10})
			_, countErr := j.Count(t.Context(), 0, nil)
			_, statsErr := j.Stats(t.Context())
			_, seekErr := j.SeekTime(t.Context(), time.UnixMilli(1))
			_, appendErr := j.Append(t.Context(), []Entry{entry(501, "a")})
			_, trimErr := j.Trim(t.Context(), Retention{}, time.Now())
			for what, err := range map[string]error{
				"read": readErr, "count": countErr, "stats": statsErr, "seek": seekErr, "append": appendErr, "trim": trimErr,
			} {
				var e *eventcore.Error
				if !errors.As(err, &e) || e.Code != eventcore.CodeBusUnavailable || !strings.Contains(e.Message, path) ||
					!strings.Contains(e.Hint, "lark-events-mcp stop") {
					t.Errorf("%s: %v, want the file and the way out", what, err)
				}
			}
		})
	}
}
