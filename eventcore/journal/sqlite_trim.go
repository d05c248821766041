package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
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
	var gone []idHash
	err := j.transact(ctx, func(tx *sql.Tx) (err error) {
		gone, err = oldestToRemove(ctx, tx, &row, r, now)
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

// oldestToRemove walks from the oldest event up to the first that the retention keeps, counts what is to be removed as
// trimmed in row, and returns the ids. An event that a clock has stamped with a time after now is as old as what follows:
// it is removed with the next one that is, within the trimChunk events that are looked at, and kept otherwise.
func oldestToRemove(ctx context.Context, tx *sql.Tx, row *counters, r Retention, now time.Time) (gone []idHash, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT position, event_id, received_ms, length(event) FROM events ORDER BY position LIMIT ?`, trimChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	expired, present := now.Add(-r.Age).UnixMilli(), now.UnixMilli()
	passed := *row
	var ids []idHash
	for rows.Next() {
		var id string
		var receivedMS, size int64
		if err := rows.Scan(&passed.trimmed, &id, &receivedMS, &size); err != nil {
			return nil, err
		}
		remove := receivedMS < expired || passed.bytes-passed.trimmedBytes > r.Bytes
		if !remove && receivedMS <= present {
			break
		}
		passed.trimmedBytes += size
		ids = append(ids, hashID(id))
		if remove {
			*row, gone = passed, ids
		}
	}
	return gone, rows.Err()
}
