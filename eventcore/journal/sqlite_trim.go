package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// trimChunk bounds how many events one transaction of a trim removes, so that appends do not wait long.
const trimChunk = 1000

// Trim implements [Journal].
func (j *SQLite) Trim(ctx context.Context, r Retention, now time.Time) (int, error) {
	removed := 0
	for {
		n, err := j.trimOnce(ctx, r, now)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("trim the journal: %w", j.explain(err))
		}
		if n < trimChunk {
			return removed, nil
		}
	}
}

// trimOnce removes at most trimChunk of the oldest events, and returns how many.
func (j *SQLite) trimOnce(ctx context.Context, r Retention, now time.Time) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	row := j.counters()
	expired := now.Add(-r.Age).UnixMilli()
	var gone []idHash
	err := j.transact(ctx, func(tx *sql.Tx) (err error) {
		gone, err = oldestToRemove(ctx, tx, &row, func(receivedMS int64) bool {
			return receivedMS < expired || row.bytes-row.trimmedBytes > r.Bytes
		})
		if err != nil || len(gone) == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM events WHERE position <= ?`, int64(row.trimmed)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM blocks WHERE first <= ?`, int64(row.trimmed)-(blockEvents-1)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE journal SET trimmed = ?, trimmed_bytes = ?`, int64(row.trimmed), row.trimmedBytes)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, id := range gone {
		delete(j.ids, id)
	}
	j.setCounters(row)
	return len(gone), nil
}

// oldestToRemove walks from the oldest event for as long as must says so, counts what it passes as trimmed in row, and
// returns the ids.
func oldestToRemove(ctx context.Context, tx *sql.Tx, row *counters, must func(receivedMS int64) bool) (gone []idHash, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT position, event_id, received_ms, length(event) FROM events ORDER BY position LIMIT ?`, trimChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var position eventcore.Position
		var id string
		var receivedMS, size int64
		if err := rows.Scan(&position, &id, &receivedMS, &size); err != nil {
			return nil, err
		}
		if !must(receivedMS) {
			break
		}
		row.trimmed = position
		row.trimmedBytes += size
		gone = append(gone, hashID(id))
	}
	return gone, rows.Err()
}
