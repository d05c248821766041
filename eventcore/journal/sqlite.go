package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// schemaVersion is kept in the database's user_version.
const schemaVersion = 2

// schema has the events, and beside them, in full blocks, what is known of all of them together: opening a large journal
// reads the blocks and the few events behind them, and an append writes one block now and then instead of a place of its
// own in an index for each event. Positions have no holes and are never used twice, even after everything was trimmed.
const schema = `
CREATE TABLE journal (
	id            TEXT NOT NULL,
	trimmed       INTEGER NOT NULL, -- the position of the last event that was trimmed
	trimmed_bytes INTEGER NOT NULL  -- of all events ever trimmed
);
CREATE TABLE events (
	position    INTEGER PRIMARY KEY,
	event_id    TEXT NOT NULL, -- the ID of its Entry
	event_type  TEXT NOT NULL,
	received_ms INTEGER NOT NULL,
	event       BLOB NOT NULL
);
CREATE INDEX events_by_type ON events (event_type, position);
CREATE TABLE blocks (
	first     INTEGER PRIMARY KEY, -- the position of its first event
	latest_ms INTEGER NOT NULL,    -- the latest arrival in it
	bytes     INTEGER NOT NULL,    -- of all events ever appended, up to its last
	ids       BLOB NOT NULL        -- an idHash for each event
);
`

// readers is how many reads may run beside each other and beside the writer.
const readers = 4

// SQLite is a [Journal] in one SQLite database in WAL mode. A commit is on disk (synchronous=FULL) before Append
// returns. Only one process may have it open; the bus's lock sees to that.
type SQLite struct {
	path      string
	log       *slog.Logger
	id        string
	write     *sql.DB // one connection
	read      *sql.DB
	move      *sql.DB   // one connection, the checkpointer's
	insert    *sql.Stmt // of one event
	insertAll *sql.Stmt // of insertRows events
	saveBlock *sql.Stmt

	mu           sync.Mutex // held by whoever writes
	ids          idSet      // of the retained events
	last         block      // the newest, not yet full
	checkpointer *checkpointer

	state sync.RWMutex
	row   counters
}

// counters says what is retained.
type counters struct {
	head, trimmed       eventcore.Position
	bytes, trimmedBytes int64 // of all events ever appended, and ever trimmed
}

// events is how many are retained.
func (c counters) events() int { return int(c.head - c.trimmed) }

var _ Journal = (*SQLite)(nil)

// Option is a choice for [OpenSQLite].
type Option func(*SQLite)

// WithLogger lets the journal log what it does, or cannot do, in the background; without, it says nothing.
func WithLogger(log *slog.Logger) Option { return func(j *SQLite) { j.log = log } }

// OpenSQLite opens the journal at path, private to this user, and creates it if there is none. If that cannot be done,
// the error is an [*eventcore.Error] that says what to do, or ctx's error if ctx ended.
func OpenSQLite(ctx context.Context, path string, options ...Option) (*SQLite, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unusable(path, err)
	}
	file.Close()
	j := &SQLite{path: path, log: slog.New(slog.DiscardHandler)}
	for _, option := range options {
		option(j)
	}
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
	if err := j.openWriter(path); err != nil {
		return err
	}
	if err := j.create(ctx); err != nil {
		return err
	}
	if err := j.load(ctx); err != nil {
		return err
	}
	var err error
	const insert, row = `INSERT INTO events (position, event_id, event_type, received_ms, event) VALUES `, `(?, ?, ?, ?, ?)`
	if j.insert, err = j.write.PrepareContext(ctx, insert+row); err != nil {
		return err
	}
	if j.insertAll, err = j.write.PrepareContext(ctx, insert+row+strings.Repeat(`, `+row, insertRows-1)); err != nil {
		return err
	}
	j.saveBlock, err = j.write.PrepareContext(ctx, `INSERT INTO blocks (first, latest_ms, bytes, ids) VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	if err := j.endUpgrade(ctx); err != nil {
		return fmt.Errorf("move its events to a new format: %w", err)
	}
	if j.read, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)")); err != nil {
		return err
	}
	j.read.SetMaxOpenConns(readers)
	if j.move, err = sql.Open("sqlite", dsn(path, "")); err != nil {
		return err
	}
	j.move.SetMaxOpenConns(1)
	j.checkpointer = startCheckpointer(j.move, &j.mu, j.log)
	return nil
}

func (j *SQLite) openWriter(path string) (err error) {
	if j.write, err = sql.Open("sqlite", dsn(path, "_txlock=immediate&_pragma=wal_autocheckpoint("+strconv.Itoa(checkpointPages)+")")); err != nil {
		return err
	}
	j.write.SetMaxOpenConns(1)
	return nil
}

// create makes the tables unless they are there, brings those of an older version up to date, and refuses those of a
// newer one.
func (j *SQLite) create(ctx context.Context) error {
	var version int
	if err := j.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 1:
		return j.beginUpgrade(ctx)
	case 0:
	default:
		return fmt.Errorf("%w (format %d, this one reads %d)", errForeignFormat, version, schemaVersion)
	}
	return j.transact(ctx, func(tx *sql.Tx) error {
		return createTables(ctx, tx, newID(), counters{})
	})
}

// newID returns a random name of 25 bits: every cursor has it, and it only tells a journal from the one before it.
func newID() string { return strings.ToLower(rand.Text()[:5]) }

// createTables makes the tables of a journal that has trimmed what row says.
func createTables(ctx context.Context, tx *sql.Tx, id string, row counters) error {
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO journal VALUES (?, ?, ?)`, id, int64(row.trimmed), row.trimmedBytes)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion))
	return err
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
		undo := tx.Rollback()
		if undone(undo) {
			undo = nil
		}
		return errors.Join(err, undo)
	}
	return tx.Commit()
}

// ID returns the random name the journal got when it was created.
func (j *SQLite) ID() string { return j.id }

// Close closes the database. Reads and appends under way end first.
func (j *SQLite) Close() error {
	if j.checkpointer != nil {
		j.checkpointer.stop()
	}
	var errs []error
	for _, prepared := range []*sql.Stmt{j.insert, j.insertAll, j.saveBlock} {
		if prepared != nil {
			errs = append(errs, prepared.Close())
		}
	}
	for _, db := range []*sql.DB{j.read, j.move, j.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
