package journal

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// format1 returns a copy of a journal of format 1, as the last version that wrote it left it: 300 events, event n at
// position n and second n, of the types b, c and a in turn, of which the first 50 were trimmed.
func format1(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/format1.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustBeUpgraded(t *testing.T, j *SQLite) {
	t.Helper()
	mustHave(t, j, 51, 300)
	mustKnow(t, j, 51, 300)
	batch, err := j.Read(t.Context(), Query{Types: []string{"a"}, Limit: 1})
	if err != nil || len(batch.Records) != 1 || batch.Records[0].Position != 51 || batch.Records[0].Type != "a" {
		t.Errorf("the first of one type: %+v, %v", batch, err)
	}
	if got, err := j.SeekTime(t.Context(), time.Unix(200, 0)); err != nil || got != 199 {
		t.Errorf("second 200 is at %d, %v", got, err)
	}
	if j.ID() != "41d20260" {
		t.Errorf("its id is %s now: no cursor is good any more", j.ID())
	}
	mustHaveNothingOld(t, j)
}

func mustHaveNothingOld(t *testing.T, j *SQLite) {
	t.Helper()
	var tables int
	if err := j.read.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE name LIKE '%\_1' ESCAPE '\'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d things of the old format are left, %v", tables, err)
	}
}

func TestAJournalOfFormat1IsUpgradedInPlace(t *testing.T) {
	path := format1(t)
	j := open(t, path)
	mustBeUpgraded(t, j)
	j.Close()
	j = open(t, path)
	mustBeUpgraded(t, j)
	appendRange(t, j, 301, 310, "a")
	mustHave(t, j, 51, 310)
}

// change runs statements on the journal at path, which nobody has open.
func change(t *testing.T, path, statements string) {
	t.Helper()
	j := &SQLite{path: path}
	if err := j.openWriter(path); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := j.write.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

// 25 MB of events take several chunks; the one that would move event 250 fails.
func TestAnUpgradeThatWasInterruptedIsGoneOnWith(t *testing.T) {
	path := format1(t)
	change(t, path, `UPDATE events SET event = zeroblob(100000); CREATE TRIGGER cut BEFORE DELETE ON events
		WHEN old.position = 250 BEGIN SELECT raise(ABORT, 'cut'); END`)
	if _, err := OpenSQLite(t.Context(), path); err == nil {
		t.Fatal("the upgrade was not interrupted")
	}
	change(t, path, `DROP TRIGGER cut`)
	j := &SQLite{path: path}
	if err := j.openWriter(path); err != nil {
		t.Fatal(err)
	}
	var moved, left int
	row := j.write.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM events_1)`)
	if err := row.Scan(&moved, &left); err != nil || moved == 0 || moved+left != 250 {
		t.Errorf("%d events were moved and %d left, %v", moved, left, err)
	}
	j.Close()

	j = open(t, path)
	mustKnow(t, j, 51, 300)
	mustHaveNothingOld(t, j)
	batch, err := j.Read(t.Context(), Query{Limit: 1000})
	if err != nil || len(batch.Records) != 250 {
		t.Fatalf("read %d events, %v", len(batch.Records), err)
	}
	for i, r := range batch.Records {
		if r.Position != eventcore.Position(51+i) {
			t.Fatalf("event %d is at position %d", 51+i, r.Position)
		}
	}
}

// Only damage makes a hole: every version counted what it stored, and trimmed from the oldest on.
func TestAJournalOfFormat1WithAHoleIsRefusedAndLeftAsItWas(t *testing.T) {
	for name, damage := range map[string]string{
		"a hole":               `DELETE FROM events WHERE position = 200`,
		"the oldest are gone":  `DELETE FROM events WHERE position < 60`,
		"the newest are gone":  `DELETE FROM events WHERE position > 290`,
		"one that was trimmed": `UPDATE events SET position = 50 WHERE position = 300`,
	} {
		t.Run(name, func(t *testing.T) {
			path := format1(t)
			change(t, path, damage)
			for range 2 {
				_, err := OpenSQLite(t.Context(), path)
				if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) {
					t.Fatalf("got %v", err)
				}
				if got := hint(t, err); !strings.Contains(got, "run the version that wrote it") {
					t.Errorf("the hint is %q", got)
				}
			}
			change(t, path, `SELECT head, trimmed FROM journal; SELECT received_ms FROM events`) // as the version that wrote it does
		})
	}
}

func TestAnUpgradeIsLogged(t *testing.T) {
	var log bytes.Buffer
	j, err := OpenSQLite(t.Context(), format1(t), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if !strings.Contains(log.String(), "upgrading the journal") || !strings.Contains(log.String(), "events=250") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	if _, err := j.write.ExecContext(t.Context(), `PRAGMA user_version = 3`); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if _, err := OpenSQLite(t.Context(), path); !eventcore.IsCode(err, eventcore.CodeBusUnavailable) {
		t.Errorf("got %v", err)
	}
}
