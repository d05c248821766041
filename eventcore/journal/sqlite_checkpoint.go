package journal

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
)

const (
	// checkpointBytes is how many bytes of events are appended between two checkpoints.
	checkpointBytes = 2 << 20
	// checkpointPages is the length of the log at which an append checkpoints, too. It has little to do then, and the log
	// begins anew, which it cannot while appends go on beside a checkpoint.
	checkpointPages = 2000
)

// checkpointer moves what was appended from SQLite's log to the database while appends go on: in an append, it would
// take many times as long as the append itself. It weakens nothing: what is not moved yet is read from the log, also
// after a crash. See https://www.sqlite.org/wal.html#ckpt.
type checkpointer struct {
	due     chan struct{} // has room for one token
	pending int           // bytes; its caller's
	end     context.CancelFunc
	work    sync.WaitGroup
}

// startCheckpointer starts the goroutine that stop waits for. It works on a connection of db.
func startCheckpointer(db *sql.DB, log *slog.Logger) *checkpointer {
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{due: make(chan struct{}, 1), end: cancel}
	c.work.Go(func() {
		failing := false
		for {
			select {
			case <-c.due:
				// One that fails, for want of room say, is made up for by the next.
				_, err := db.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
				if err != nil && !failing && ctx.Err() == nil {
					log.Warn("the journal's log grows until it can be moved to its database", "error", err)
				}
				failing = err != nil
			case <-ctx.Done():
				return
			}
		}
	})
	return c
}

// appended tells of so many bytes. It does not block; calls must not overlap.
func (c *checkpointer) appended(bytes int64) {
	if c.pending += int(bytes); c.pending < checkpointBytes {
		return
	}
	c.pending = 0
	select {
	case c.due <- struct{}{}:
	default:
	}
}

func (c *checkpointer) stop() {
	c.end()
	c.work.Wait()
}
