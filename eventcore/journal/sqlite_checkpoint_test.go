package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
)

// logged is a slog.Handler that counts records.
type logged struct {
	slog.Handler
	records int
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }

func (l *logged) Handle(context.Context, slog.Record) error {
	l.records++
	return nil
}

func TestACheckpointThatFailsIsLoggedOnceUntilOneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "missing")
		db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "journal.db"), ""))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxIdleConns(-1) // so that each checkpoint looks for the file
		log := &logged{Handler: slog.DiscardHandler}
		c := startCheckpointer(db, new(sync.Mutex), slog.New(log))
		defer c.stop()
		checkpoint := func() {
			c.appended(passPages * pageSize)
			synctest.Wait()
		}
		checkpoint()
		checkpoint()
		if log.records != 1 {
			t.Errorf("two failures in a row were logged %d times", log.records)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		checkpoint()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		checkpoint()
		if log.records != 2 {
			t.Errorf("with a failure after a success, %d were logged", log.records)
		}
	})
}

// busyLock is a lock that is always taken just after something happened, and for which somebody waits.
type busyLock struct {
	sync.Locker
	before, after func()
}

func (l busyLock) Lock() {
	l.before()
	l.Locker.Lock()
}

func (l busyLock) Unlock() {
	l.Locker.Unlock()
	l.after()
}

// TestALongLogBeginsAnew has an append that comes after all others were moved, and one that waits, as under load.
func TestALongLogBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	j.checkpointer.stop()
	if _, err := j.write.ExecContext(t.Context(), `PRAGMA wal_autocheckpoint = 0`); err != nil {
		t.Fatal(err)
	}
	events := 0
	appendPages := func(pages int) {
		one := entry(events, "a")
		one.Event = bytes.Repeat([]byte("x"), pages*pageSize)
		events++
		if _, err := j.Append(t.Context(), []Entry{one}); err != nil {
			t.Fatal(err)
		}
	}
	waited := 0
	c := &checkpointer{db: j.move, appends: busyLock{&j.mu, func() { appendPages(1) }, func() {
		waited++
		begun := logsBegun(t, path)
		appendPages(1)
		if logsBegun(t, path) == begun {
			t.Error("for those who have waited the log goes on")
		}
	}}}
	for i, step := range []struct {
		pages int
		anew  bool
	}{{restartPages / 2, false}, {restartPages, true}, {restartPages / 2, false}} {
		before := waited
		appendPages(step.pages)
		if err := c.checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited > before != step.anew {
			t.Errorf("step %d: appends had to wait: %v", i, waited > before)
		}
	}
}

// logsBegun is how many times SQLite's log has begun anew: https://www.sqlite.org/fileformat2.html#walformat.
func logsBegun(t *testing.T, path string) uint32 {
	t.Helper()
	header, err := os.ReadFile(path + "-wal")
	if err != nil || len(header) < 16 {
		t.Fatalf("the log has %d bytes, %v", len(header), err)
	}
	return binary.BigEndian.Uint32(header[12:])
}
