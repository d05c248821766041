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

// Append implements [Journal]: all entries share one commit.
func (j *SQLite) Append(ctx context.Context, entries []Entry) ([]Appended, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	row := j.counters()
	results := make([]Appended, len(entries))
	err := j.transact(ctx, func(tx *sql.Tx) error {
		insert := tx.StmtContext(ctx, j.insert)
		defer insert.Close()
		for i, e := range entries {
			result, err := insert.ExecContext(ctx, int64(row.head+1), e.ID, e.Type, e.Received.UnixMilli(), e.Event)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				results[i].Duplicate = true
				if err != nil {
					return err
				}
				continue
			}
			row.head++
			row.events++
			row.bytes += int64(len(e.Event))
			results[i].Position = row.head
		}
		return saveCounters(ctx, tx, row)
	})
	if err != nil {
		return nil, fmt.Errorf("append %d events: %w", len(entries), diskFull(j.explain(err)))
	}
	j.setCounters(row)
	return results, nil
}

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
	removed := 0
	err := j.transact(ctx, func(tx *sql.Tx) error {
		last, freed, err := oldestToRemove(ctx, tx, &removed, func(receivedMS, freed int64) bool {
			return receivedMS < expired || row.bytes-freed > r.Bytes
		})
		if err != nil || removed == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM events WHERE position <= ?`, int64(last)); err != nil {
			return err
		}
		row.trimmed, row.events, row.bytes = last, row.events-removed, row.bytes-freed
		return saveCounters(ctx, tx, row)
	})
	if err != nil {
		return 0, err
	}
	j.setCounters(row)
	return removed, nil
}

// oldestToRemove walks from the oldest event for as long as must says so, and returns the last such position and
// the bytes up to it. The number of events goes to count.
func oldestToRemove(ctx context.Context, tx *sql.Tx, count *int, must func(receivedMS, freed int64) bool) (last eventcore.Position, freed int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT position, received_ms, length(event) FROM events ORDER BY position LIMIT ?`, trimChunk)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var position eventcore.Position
		var receivedMS, size int64
		if err := rows.Scan(&position, &receivedMS, &size); err != nil {
			return 0, 0, err
		}
		if !must(receivedMS, freed) {
			break
		}
		last, freed = position, freed+size
		*count++
	}
	return last, freed, rows.Err()
}

func saveCounters(ctx context.Context, tx *sql.Tx, row counters) error {
	_, err := tx.ExecContext(ctx, `UPDATE journal SET head = ?, trimmed = ?, events = ?, bytes = ?`,
		int64(row.head), int64(row.trimmed), row.events, row.bytes)
	return err
}

func (j *SQLite) counters() counters {
	j.state.RLock()
	defer j.state.RUnlock()
	return j.row
}

func (j *SQLite) setCounters(row counters) {
	j.state.Lock()
	defer j.state.Unlock()
	j.row = row
}
