package journal

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// hint returns the hint of an error that a user meets.
func hint(t *testing.T, err error) string {
	t.Helper()
	var e *eventcore.Error
	if !errors.As(err, &e) || e.Code != eventcore.CodeBusUnavailable {
		t.Fatalf("got %v, want bus_unavailable", err)
	}
	return e.Hint
}

// The advice to move a journal away costs what is in it, so it is given only for one that cannot be read.
func TestAnUnusableJournalIsMovedAwayOnlyIfItCannotBeRead(t *testing.T) {
	write := func(t *testing.T, text string) string {
		path := filepath.Join(t.TempDir(), "journal.db")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	changed := func(t *testing.T, statement string) string {
		path := filepath.Join(t.TempDir(), "journal.db")
		j := open(t, path)
		if _, err := j.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		path func(t *testing.T) string
		hint string
	}{
		"no directory":   {func(t *testing.T) string { return filepath.Join(t.TempDir(), "gone", "journal.db") }, "check that its directory exists"},
		"a directory":    {func(t *testing.T) string { return t.TempDir() }, "do not remove"},
		"no database":    {func(t *testing.T) string { return write(t, strings.Repeat("no database ", 100)) }, "move the file"},
		"no table":       {func(t *testing.T) string { return changed(t, `DROP TABLE journal`) }, "move the file"},
		"no counters":    {func(t *testing.T) string { return changed(t, `DELETE FROM journal`) }, "move the file"},
		"another format": {func(t *testing.T) string { return changed(t, `PRAGMA user_version = 99`) }, "run the version that wrote it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenSQLite(t.Context(), c.path(t))
			if got := hint(t, err); !strings.Contains(got, c.hint) {
				t.Errorf("%v: want a hint with %q", err, c.hint)
			}
		})
	}
}

func TestADiskThatIsFullOrClosedToWritingKeepsTheJournal(t *testing.T) {
	for name, c := range map[string]struct{ pragma, hint string }{
		"full":      {`PRAGMA max_page_count = 1`, "free space"},
		"read-only": {`PRAGMA query_only = 1`, "may write to it"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "journal.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if _, err := db.ExecContext(t.Context(), c.pragma); err != nil {
				t.Fatal(err)
			}
			_, err = db.ExecContext(t.Context(), schema)
			if got := hint(t, unusable("journal.db", err)); !strings.Contains(got, c.hint) {
				t.Errorf("%v: want a hint with %q", got, c.hint)
			}
		})
	}
}

func TestAnInterruptedStartSaysNothingOfTheJournal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenSQLite(ctx, filepath.Join(t.TempDir(), "journal.db")); err != context.Canceled {
		t.Errorf("got %v, want the context's error", err)
	}
}
