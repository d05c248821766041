package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// schemaVersion is kept in the database's user_version.
const schemaVersion = 1

// schema keeps three counters (head, trimmed, bytes) in one row beside the events, so that opening a large
// journal costs nothing, and positions are never used twice, even after everything was trimmed.
const schema = `
CREATE TABLE journal (
	id      TEXT NOT NULL,
	head    INTEGER NOT NULL,
	trimmed INTEGER NOT NULL,
	events  INTEGER NOT NULL,
	bytes   INTEGER NOT NULL
);
CREATE TABLE events (
	position    INTEGER PRIMARY KEY,
	event_id    TEXT NOT NULL UNIQUE,
	event_type  TEXT NOT NULL,
	received_ms INTEGER NOT NULL,
	event       BLOB NOT NULL
);
CREATE INDEX events_by_type ON events (event_type, position);
CREATE INDEX events_by_time ON events (received_ms, position);
`

// readers is how many reads may run beside each other and beside the writer.
const readers = 4

// SQLite is a [Journal] in one SQLite database in WAL mode. A commit is on disk (synchronous=FULL) before Append
// returns. Only one process may have it open; the bus's lock sees to that.
type SQLite struct {
	path   string
	id     string
	write  *sql.DB // one connection
	read   *sql.DB
	insert *sql.Stmt

	mu    sync.Mutex // held by whoever writes
	state sync.RWMutex
	row   counters
}

// counters is the row of the table journal.
type counters struct {
	head, trimmed eventcore.Position
	events        int
	bytes         int64
}

var _ Journal = (*SQLite)(nil)

// OpenSQLite opens the journal at path, private to this user, and creates it if there is none. If that cannot be done,
// the error is an [*eventcore.Error] that says what to do, or ctx's error if ctx ended.
func OpenSQLite(ctx context.Context, path string) (*SQLite, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unusable(path, err)
	}
	file.Close()
	j := &SQLite{path: path}
	if err := j.open(ctx, path); err != nil {
		j.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err() // which SQLite shows as an error of its own
		}
		return nil, unusable(path, err)
	}
	return j, nil
}

func (j *SQLite) open(ctx context.Context, path string) error {
	var err error
	if j.write, err = sql.Open("sqlite", dsn(path, "_txlock=immediate")); err != nil {
		return err
	}
	j.write.SetMaxOpenConns(1)
	if err := j.create(ctx); err != nil {
		return err
	}
	row := j.write.QueryRowContext(ctx, `SELECT id, head, trimmed, events, bytes FROM journal`)
	if err := row.Scan(&j.id, &j.row.head, &j.row.trimmed, &j.row.events, &j.row.bytes); err != nil {
		return fmt.Errorf("read its counters: %w", err)
	}
	j.insert, err = j.write.PrepareContext(ctx, `INSERT INTO events (position, event_id, event_type, received_ms, event)
		VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING`)
	if err != nil {
		return err
	}
	if j.read, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)")); err != nil {
		return err
	}
	j.read.SetMaxOpenConns(readers)
	return nil
}

// create makes the tables unless they are there, and refuses a database of another version.
func (j *SQLite) create(ctx context.Context) error {
	var version int
	if err := j.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
	default:
		return fmt.Errorf("%w (format %d, this one reads %d)", errForeignFormat, version, schemaVersion)
	}
	var id [4]byte // short, because it is in every cursor
	rand.Read(id[:])
	return j.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO journal VALUES (?, 0, 0, 0, 0)`, hex.EncodeToString(id[:])); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion))
		return err
	})
}

// dsn names the database with the settings that the guarantees rest on. WAL with synchronous=FULL syncs the log
// at every commit: https://www.sqlite.org/pragma.html#pragma_synchronous.
func dsn(path, more string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	return u.String() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&" + more
}

// transact runs body in one transaction of the writer.
func (j *SQLite) transact(ctx context.Context, body func(tx *sql.Tx) error) error {
	tx, err := j.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := body(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// ID returns the random name the journal got when it was created.
func (j *SQLite) ID() string { return j.id }

// Close closes the database. Reads and appends under way end first.
func (j *SQLite) Close() error {
	var errs []error
	if j.insert != nil {
		errs = append(errs, j.insert.Close())
	}
	if j.read != nil {
		errs = append(errs, j.read.Close())
	}
	if j.write != nil {
		errs = append(errs, j.write.Close())
	}
	return errors.Join(errs...)
}
