package journal

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
)

// All of these are pages, of the database or of SQLite's log.
const (
	// passPages is about how many are appended between two checkpoints. Many at once would make the disk busy for so long
	// that appends wait for it.
	passPages = 250
	// restartPages is the length of the log at which it is to begin anew, which it can once all of it is moved.
	restartPages = 1200
	// checkpointPages is the length at which an append moves it, should the checkpointer not have come to it. That takes
	// many times as long as the append.
	checkpointPages = 2000
)

// checkpointer moves what was appended from SQLite's log to the database while appends go on: in an append, it would
// take many times as long as the append itself. It weakens nothing: what is not moved yet is read from the log, also
// after a crash. See https://www.sqlite.org/wal.html#ckpt.
type checkpointer struct {
	db      *sql.DB
	appends sync.Locker   // held by whoever appends
	due     chan struct{} // has room for one token
	pending int           // pages; its caller's
	end     context.CancelFunc
	work    sync.WaitGroup
}

// startCheckpointer starts the goroutine that stop waits for. It works on a connection of db.
func startCheckpointer(db *sql.DB, appends sync.Locker, log *slog.Logger) *checkpointer {
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{db: db, appends: appends, due: make(chan struct{}, 1), end: cancel}
	c.work.Go(func() {
		failing := false
		for {
			select {
			case <-c.due:
				// One that fails, for want of room say, is made up for by the next.
				err := c.checkpoint(ctx)
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

// appended tells of a commit of so many bytes. It does not block; calls must not overlap.
func (c *checkpointer) appended(bytes int64) {
	// Beside those of the events, a commit changes one of the index, and the ones that are not full yet.
	if c.pending += int(bytes/pageSize) + 3; c.pending < passPages {
		return
	}
	c.pending = 0
	select {
	case c.due <- struct{}{}:
	default:
	}
}

// checkpoint moves what is in the log. In a long one there is then what was appended meanwhile, and, when that is moved, the
// little that was appended meanwhile again: appends wait while that is moved, after which the log begins anew.
func (c *checkpointer) checkpoint(ctx context.Context) error {
	length, err := c.pass(ctx)
	if err != nil || length < restartPages {
		return err
	}
	if _, err := c.pass(ctx); err != nil {
		return err
	}
	c.appends.Lock()
	defer c.appends.Unlock()
	_, err = c.pass(ctx)
	return err
}

// pass moves what is in the log, beside appends and reads, and returns how long the log is.
func (c *checkpointer) pass(ctx context.Context) (length int, err error) {
	var busy, moved int
	err = c.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &length, &moved)
	return length, err
}

func (c *checkpointer) stop() {
	c.end()
	c.work.Wait()
}
