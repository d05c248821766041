package journal

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
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
		c := startCheckpointer(db, slog.New(log))
		defer c.stop()
		checkpoint := func() {
			c.appended(checkpointBytes)
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
