package journal

import (
	"os"
	"path/filepath"
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

func TestAnUpgradeThatWasInterruptedIsGoneOnWith(t *testing.T) {
	path := format1(t)
	j := &SQLite{path: path}
	if err := j.openWriter(path); err != nil {
		t.Fatal(err)
	}
	if err := j.beginUpgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	j.Close()
	mustBeUpgraded(t, open(t, path))
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
