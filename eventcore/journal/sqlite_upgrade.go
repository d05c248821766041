package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// moveChunk is how many events of a journal of format 1 are moved in one transaction.
const moveChunk = 10_000

// beginUpgrade gives a journal of format 1 the tables of this one. The events stay behind, in the table events_1, which
// has an index of its own for their ids that cannot be taken from it.
func (j *SQLite) beginUpgrade(ctx context.Context) error {
	return j.transact(ctx, func(tx *sql.Tx) error {
		var id string
		var row counters
		if err := tx.QueryRowContext(ctx, `SELECT id, trimmed FROM journal`).Scan(&id, &row.trimmed); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DROP INDEX events_by_type; DROP INDEX events_by_time;
			ALTER TABLE events RENAME TO events_1; DROP TABLE journal`)
		if err != nil {
			return err
		}
		return createTables(ctx, tx, id, row)
	})
}

// endUpgrade moves the events that beginUpgrade left behind, if there are any, oldest first and with their positions.
// If it is interrupted, the next opening goes on. Each transaction frees the room that the next one takes.
func (j *SQLite) endUpgrade(ctx context.Context) error {
	var tables int
	err := j.write.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'events_1'`).Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	for {
		entries, last, err := j.leftBehind(ctx)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		_, err = j.append(ctx, entries, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM events_1 WHERE position <= ?`, int64(last))
			return err
		})
		if err != nil {
			return err
		}
		if head := j.counters().head; head != last {
			return fmt.Errorf("its positions have holes: event %d would become %d", last, head)
		}
	}
	_, err = j.write.ExecContext(ctx, `DROP TABLE events_1`)
	return err
}

// leftBehind returns the oldest events of events_1, and the position of the last of them.
func (j *SQLite) leftBehind(ctx context.Context) (entries []Entry, last eventcore.Position, err error) {
	rows, err := j.write.QueryContext(ctx,
		`SELECT position, event_id, event_type, received_ms, event FROM events_1 ORDER BY position LIMIT ?`, moveChunk)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var receivedMS int64
		if err := rows.Scan(&last, &e.ID, &e.Type, &receivedMS, &e.Event); err != nil {
			return nil, 0, err
		}
		e.Received = time.UnixMilli(receivedMS)
		entries = append(entries, e)
	}
	return entries, last, rows.Err()
}
