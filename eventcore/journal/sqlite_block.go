package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const (
	// blockEvents is how many events a block describes; four such blocks fill a page of the database.
	blockEvents = 60
	// idHashSize makes it impossible in practice that two ids have the same hash, also for who would like them to.
	idHashSize = 16
)

// idHash stands for the ID of an [Entry]. Ids are random, so that an index of them costs an append one page for each event.
type idHash [idHashSize]byte

func hashID(id string) idHash {
	sum := sha256.Sum256([]byte(id))
	return idHash(sum[:idHashSize])
}

// idSet has the ids of the retained events.
type idSet map[idHash]struct{}

// add adds an id and reports whether it was not there.
func (s idSet) add(id idHash) bool {
	before := len(s)
	s[id] = struct{}{}
	return len(s) > before
}

// block describes up to blockEvents events whose positions follow each other. It is saved when it is full: what the
// newest would say is read from its events, which are few.
type block struct {
	first    eventcore.Position
	latestMS int64
	bytes    int64 // of all events ever appended, up to this block's last
	ids      []byte
}

// emptyBlock returns the block that begins behind head.
func emptyBlock(head eventcore.Position, bytes int64) block {
	return block{first: head + 1, bytes: bytes}
}

// head is the position of its last event.
func (b *block) head() eventcore.Position {
	return b.first + eventcore.Position(len(b.ids)/idHashSize) - 1
}

func (b *block) full() bool { return len(b.ids) >= blockEvents*idHashSize }

// lacksOne reports whether one more event will fill it.
func (b *block) lacksOne() bool { return len(b.ids) >= (blockEvents-1)*idHashSize }

// add describes one more event.
func (b *block) add(id idHash, receivedMS int64, size int) {
	if len(b.ids) == 0 || receivedMS > b.latestMS {
		b.latestMS = receivedMS
	}
	b.ids = append(b.ids, id[:]...)
	b.bytes += int64(size)
}

// retained returns the ids of the events behind trimmed.
func (b *block) retained(trimmed eventcore.Position) []byte {
	if trimmed < b.first {
		return b.ids
	}
	return b.ids[min(int(trimmed-b.first+1)*idHashSize, len(b.ids)):]
}

func (b *block) save(ctx context.Context, stmt *sql.Stmt) error {
	_, err := stmt.ExecContext(ctx, int64(b.first), b.latestMS, b.bytes, b.ids)
	return err
}

// load reads what is kept in memory: the counters, the newest block, and the ids of the retained events.
func (j *SQLite) load(ctx context.Context) error {
	row := j.write.QueryRowContext(ctx, `SELECT id, trimmed, trimmed_bytes FROM journal`)
	if err := row.Scan(&j.id, &j.row.trimmed, &j.row.trimmedBytes); err != nil {
		return fmt.Errorf("read its counters: %w", err)
	}
	j.last = emptyBlock(j.row.trimmed, j.row.trimmedBytes)
	j.ids = idSet{}
	if err := j.loadBlocks(ctx); err != nil {
		return err
	}
	if err := j.loadNewest(ctx); err != nil {
		return err
	}
	j.row.head, j.row.bytes = j.last.head(), j.last.bytes
	return nil
}

// loadBlocks reads the full blocks, and lets the newest one begin behind them.
func (j *SQLite) loadBlocks(ctx context.Context) error {
	rows, err := j.write.QueryContext(ctx, `SELECT first, bytes, ids FROM blocks ORDER BY first`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b block
		if err := rows.Scan(&b.first, &b.bytes, &b.ids); err != nil {
			return err
		}
		for ids := b.retained(j.row.trimmed); len(ids) >= idHashSize; ids = ids[idHashSize:] {
			j.ids.add(idHash(ids[:idHashSize]))
		}
		j.last = emptyBlock(b.head(), b.bytes)
	}
	return rows.Err()
}

// loadNewest describes the events behind the full blocks.
func (j *SQLite) loadNewest(ctx context.Context) error {
	rows, err := j.write.QueryContext(ctx,
		`SELECT event_id, received_ms, length(event) FROM events WHERE position >= ? ORDER BY position`, int64(j.last.first))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var receivedMS int64
		var size int
		if err := rows.Scan(&id, &receivedMS, &size); err != nil {
			return err
		}
		hash := hashID(id)
		j.ids.add(hash)
		j.last.add(hash, receivedMS, size)
	}
	return rows.Err()
}
