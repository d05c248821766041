package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// How many events of a journal of format 1, and about how many bytes of them, are moved in one transaction.
const (
	moveEvents = 10_000
	moveBytes  = 8 << 20
)

// beginUpgrade gives a journal of format 1 the tables of this one. The events stay behind, in the table events_1, which
// has an index of its own for their ids that cannot be taken from it. A journal whose positions have holes is damaged,
// and stays as it is.
func (j *SQLite) beginUpgrade(ctx context.Context) error {
	return j.transact(ctx, func(tx *sql.Tx) error {
		var id string
		var row counters
		if err := tx.QueryRowContext(ctx, `SELECT id, trimmed FROM journal`).Scan(&id, &row.trimmed); err != nil {
			return err
		}
		var head, sound eventcore.Position
		err := tx.QueryRowContext(ctx, `SELECT head, trimmed + (SELECT count(*) FROM events
			WHERE position > trimmed AND position <= head) FROM journal`).Scan(&head, &sound)
		if err != nil {
			return err
		}
		if sound != head {
			return fmt.Errorf("%w, and is damaged: %d of its events are missing", errForeignFormat, head-sound)
		}
		_, err = tx.ExecContext(ctx, `DROP INDEX events_by_type; DROP INDEX events_by_time;
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
	var tables, events int
	err := j.write.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'events_1'`).Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	if err := j.write.QueryRowContext(ctx, `SELECT count(*) FROM events_1`).Scan(&events); err != nil {
		return err
	}
	j.log.Info("upgrading the journal; consumers can connect when it is done", "events", events)
	for {
		entries, last, err := j.leftBehind(ctx)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		_, err = j.append(ctx, entries, func(tx *sql.Tx) error {
			var head eventcore.Position
			if err := tx.QueryRowContext(ctx, `SELECT max(position) FROM events`).Scan(&head); err != nil {
				return err
			}
			if head != last {
				return fmt.Errorf("its positions have holes: event %d would become %d", last, head)
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM events_1 WHERE position <= ?`, int64(last))
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err = j.write.ExecContext(ctx, `DROP TABLE events_1`)
	return err
}

// leftBehind returns the oldest events of events_1, as many as are moved at once, and the position of the last of them.
func (j *SQLite) leftBehind(ctx context.Context) (entries []Entry, last eventcore.Position, err error) {
	rows, err := j.write.QueryContext(ctx,
		`SELECT position, event_id, event_type, received_ms, event FROM events_1 ORDER BY position LIMIT ?`, moveEvents)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for size := 0; size < moveBytes && rows.Next(); size += len(entries[len(entries)-1].Event) {
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
