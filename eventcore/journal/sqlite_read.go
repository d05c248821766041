package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Read implements [Journal]. It costs the same anywhere in a journal of any size.
func (j *SQLite) Read(ctx context.Context, q Query) (Batch, error) {
	// The head is taken before the query: every event up to it is visible to the query. Events behind it, whose
	// commit is just ending, are left for the next read.
	head := j.counters().head
	// What was trimmed is read in the snapshot that the events come from. The counter in memory is set after a
	// trim's commit, and a read in between would pass over the trimmed events without a word.
	tx, err := j.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Batch{}, fmt.Errorf("read the journal: %w", err)
	}
	defer tx.Rollback()
	var trimmed eventcore.Position
	if err := tx.QueryRowContext(ctx, `SELECT trimmed FROM journal`).Scan(&trimmed); err != nil {
		return Batch{}, fmt.Errorf("read the journal: %w", err)
	}
	batch := Batch{Next: max(q.After, head), Gap: q.After < trimmed}
	query, args := selectEvents(q, head)
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return Batch{}, fmt.Errorf("read the journal: %w", j.explain(err))
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		var r Record
		if err := rows.Scan(&r.Position, &r.Type, &r.Event); err != nil {
			return Batch{}, fmt.Errorf("read the journal: %w", j.explain(err))
		}
		full := len(batch.Records) == q.Limit || (q.Bytes > 0 && size > 0 && size+len(r.Event) > q.Bytes)
		if full {
			batch.More = true
			batch.Next = batch.Records[len(batch.Records)-1].Position
			break
		}
		size += len(r.Event)
		batch.Records = append(batch.Records, r)
	}
	if err := rows.Err(); err != nil {
		return Batch{}, fmt.Errorf("read the journal: %w", j.explain(err))
	}
	return batch, nil
}

// selectEvents asks for one event more than the limit, to know whether there are more. Several types are one
// walk along the type index each, merged, because a walk along the positions would pass over all other types. The
// events themselves are read once it is known which.
func selectEvents(q Query, head eventcore.Position) (string, []any) {
	const (
		columns = `SELECT position, event_type, event FROM events WHERE `
		span    = `position > ? AND position <= ? ORDER BY position LIMIT ?`
		ofType  = `SELECT position FROM events WHERE event_type = ? AND ` + span
	)
	limit := q.Limit + 1
	switch len(q.Types) {
	case 0:
		return columns + span, []any{int64(q.After), int64(head), limit}
	case 1:
		return columns + `event_type = ? AND ` + span, []any{q.Types[0], int64(q.After), int64(head), limit}
	}
	var args []any
	for _, eventType := range q.Types {
		args = append(args, eventType, int64(q.After), int64(head), limit)
	}
	walks := `SELECT position FROM (` + ofType + `)` + strings.Repeat(` UNION ALL SELECT position FROM (`+ofType+`)`, len(q.Types)-1)
	return columns + `position IN (` + walks + ` ORDER BY position LIMIT ?) ORDER BY position`, append(args, limit)
}

// Count implements [Journal].
func (j *SQLite) Count(ctx context.Context, after eventcore.Position, types []string) (int, error) {
	query := `SELECT count(*) FROM events WHERE position > ?`
	args := []any{int64(after)}
	if len(types) > 0 {
		query += ` AND event_type IN (?` + strings.Repeat(`, ?`, len(types)-1) + `)`
		for _, eventType := range types {
			args = append(args, eventType)
		}
	}
	var n int
	if err := j.read.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count events: %w", j.explain(err))
	}
	return n, nil
}

// Head implements [Journal].
func (j *SQLite) Head(context.Context) (eventcore.Position, error) { return j.counters().head, nil }

// Oldest implements [Journal].
func (j *SQLite) Oldest(context.Context) (eventcore.Position, error) {
	return j.counters().trimmed, nil
}

// SeekTime implements [Journal]. It passes over the blocks in which nothing arrived as late as t, and over none of the
// events behind the blocks.
func (j *SQLite) SeekTime(ctx context.Context, t time.Time) (eventcore.Position, error) {
	head := j.counters().head
	var first int64
	// Clocks go back, too, so that the times of events are in no order; and the latest of a block may have been trimmed.
	row := j.read.QueryRowContext(ctx, `SELECT position FROM (
			SELECT e.position
			FROM blocks AS b CROSS JOIN events AS e ON e.position BETWEEN b.first AND b.first + ?1
			WHERE b.latest_ms >= ?2 AND e.received_ms >= ?2 ORDER BY b.first, e.position LIMIT 1)
		UNION ALL SELECT position FROM (
			SELECT position FROM events
			WHERE position > (SELECT coalesce(max(first) + ?1, 0) FROM blocks) AND received_ms >= ?2 ORDER BY position LIMIT 1)
		ORDER BY position LIMIT 1`,
		blockEvents-1, t.UnixMilli())
	switch err := row.Scan(&first); {
	case errors.Is(err, sql.ErrNoRows):
		return head, nil
	case err != nil:
		return 0, fmt.Errorf("find the first event since %s: %w", t.Format(time.RFC3339), j.explain(err))
	}
	return eventcore.Position(first - 1), nil
}

// LatestBefore implements [Journal]. It passes over the blocks in which anything arrived at t or later.
func (j *SQLite) LatestBefore(ctx context.Context, t time.Time) (time.Time, error) {
	var latest int64
	err := j.read.QueryRowContext(ctx, `SELECT received_ms FROM (
			SELECT * FROM (SELECT position, received_ms FROM events
				WHERE position > (SELECT coalesce(max(first) + ?1, 0) FROM blocks) AND received_ms < ?2 ORDER BY position DESC LIMIT 1)
			UNION ALL SELECT * FROM (SELECT e.position, e.received_ms
				FROM blocks AS b CROSS JOIN events AS e ON e.position = b.first + ?1 WHERE b.latest_ms < ?2 ORDER BY b.first DESC LIMIT 1))
		ORDER BY position DESC LIMIT 1`, blockEvents-1, t.UnixMilli()).Scan(&latest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("find the last event before %s: %w", t.Format(time.RFC3339), j.explain(err))
	}
	return time.UnixMilli(latest), nil
}

// Stats implements [Journal].
func (j *SQLite) Stats(ctx context.Context) (Stats, error) {
	row := j.counters()
	stats := Stats{Events: row.events(), Bytes: row.bytes - row.trimmedBytes, Head: row.head}
	var oldest, newest sql.NullInt64
	err := j.read.QueryRowContext(ctx, `SELECT
		(SELECT received_ms FROM events ORDER BY position LIMIT 1),
		(SELECT received_ms FROM events ORDER BY position DESC LIMIT 1)`).Scan(&oldest, &newest)
	if err != nil {
		return Stats{}, fmt.Errorf("describe the journal: %w", j.explain(err))
	}
	if oldest.Valid {
		stats.Oldest, stats.Newest = time.UnixMilli(oldest.Int64).UTC(), time.UnixMilli(newest.Int64).UTC()
	}
	return stats, nil
}
