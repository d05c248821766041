package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Append implements [Journal]: all entries share one commit.
func (j *SQLite) Append(ctx context.Context, entries []Entry) ([]Appended, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	results, err := j.append(ctx, entries, func(*sql.Tx) error { return nil })
	if err != nil {
		return nil, fmt.Errorf("append %d events: %w", len(entries), diskFull(j.explain(err)))
	}
	return results, nil
}

// append appends the entries in one commit, in which also is done.
func (j *SQLite) append(ctx context.Context, entries []Entry, also func(*sql.Tx) error) ([]Appended, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := appending{journal: j, last: j.last, row: j.counters()}
	a.last.ids = slices.Clone(a.last.ids)
	results := make([]Appended, len(entries))
	err := j.transact(ctx, func(tx *sql.Tx) error {
		if err := a.store(ctx, tx, entries, results); err != nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		for _, id := range a.added {
			delete(j.ids, id)
		}
		return nil, err
	}
	j.last = a.last
	if j.checkpointer != nil { // not while the journal is being opened
		j.checkpointer.appended(a.row.bytes - j.row.bytes)
	}
	j.setCounters(a.row)
	return results, nil
}

// appending is what an append changes, until its commit.
type appending struct {
	journal *SQLite
	last    block
	row     counters
	added   []idHash
}

// store inserts the entries that are new, and the blocks that describe them.
func (a *appending) store(ctx context.Context, tx *sql.Tx, entries []Entry, results []Appended) error {
	insert, saveBlock := tx.StmtContext(ctx, a.journal.insert), tx.StmtContext(ctx, a.journal.saveBlock)
	defer insert.Close()
	defer saveBlock.Close()
	for i := range entries {
		e := &entries[i]
		id := hashID(e.ID)
		if !a.journal.ids.add(id) {
			results[i].Duplicate = true
			continue
		}
		a.added = append(a.added, id)
		if a.last.full() {
			if err := a.last.save(ctx, saveBlock); err != nil {
				return err
			}
			a.last = emptyBlock(a.row.head, a.row.bytes)
		}
		receivedMS := e.Received.UnixMilli()
		if _, err := insert.ExecContext(ctx, int64(a.row.head+1), e.ID, e.Type, receivedMS, e.Event); err != nil {
			return err
		}
		a.last.add(id, receivedMS, len(e.Event))
		a.row.head++
		a.row.bytes += int64(len(e.Event))
		results[i].Position = a.row.head
	}
	if len(a.added) == 0 {
		return nil
	}
	return a.last.save(ctx, saveBlock)
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
