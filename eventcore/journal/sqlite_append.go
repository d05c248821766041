package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// Append implements [Journal]: all entries share one commit. It is not given up once it has begun.
func (j *SQLite) Append(ctx context.Context, entries []Entry) ([]Appended, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	results, err := j.append(ctx, entries, nil)
	if err != nil {
		return nil, fmt.Errorf("append %d events: %w", len(entries), diskFull(j.explain(err)))
	}
	return results, nil
}

// append appends the entries in one commit, in which also, unless it is nil, is done.
func (j *SQLite) append(ctx context.Context, entries []Entry, also func(*sql.Tx) error) ([]Appended, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // a commit whose outcome is unknown would leave what is kept in memory untrue
	j.mu.Lock()
	defer j.mu.Unlock()
	a := appending{journal: j, last: j.last, row: j.counters(), results: make([]Appended, len(entries))}
	if err := a.commit(ctx, entries, also); err != nil {
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
	return a.results, nil
}

// appending is what an append changes, until its commit.
type appending struct {
	journal *SQLite
	last    block // its ids may share memory with the journal's, which knows of fewer
	row     counters
	added   []idHash
	results []Appended
}

// commit stores the entries in one transaction. One event alone is mostly one statement, which is a transaction of its
// own: to begin and to commit another would take as long again.
func (a *appending) commit(ctx context.Context, entries []Entry, also func(*sql.Tx) error) error {
	if len(entries) == 1 && also == nil && !a.last.lacksOne() {
		return a.store(ctx, statements{insert: a.journal.insert}, entries)
	}
	return a.journal.transact(ctx, func(tx *sql.Tx) error {
		do := statements{tx.StmtContext(ctx, a.journal.insert), tx.StmtContext(ctx, a.journal.insertAll), tx.StmtContext(ctx, a.journal.saveBlock)}
		defer do.insert.Close()
		defer do.insertAll.Close()
		defer do.saveBlock.Close()
		if err := a.store(ctx, do, entries); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
}

// insertRows is how many events one statement inserts, if there are so many: of the time that a statement for one event
// takes, a third goes to what is done once a statement.
const insertRows = 8

// statements are those of one transaction. One event alone needs but the first.
type statements struct{ insert, insertAll, saveBlock *sql.Stmt }

// store inserts the entries that are new, and the blocks that they fill.
func (a *appending) store(ctx context.Context, do statements, entries []Entry) error {
	const columns = 5
	rows := make([]any, 0, columns*min(len(entries), insertRows))
	for i := range entries {
		e := &entries[i]
		id := hashID(e.ID)
		if !a.journal.ids.add(id) {
			a.results[i].Duplicate = true
			continue
		}
		a.added = append(a.added, id)
		receivedMS := e.Received.UnixMilli()
		a.row.head++
		rows = append(rows, int64(a.row.head), e.ID, e.Type, receivedMS, e.Event)
		if len(rows) == columns*insertRows {
			if _, err := do.insertAll.ExecContext(ctx, rows...); err != nil {
				return err
			}
			rows = rows[:0]
		}
		a.row.bytes += int64(len(e.Event))
		a.results[i].Position = a.row.head
		a.last.add(id, receivedMS, len(e.Event))
		if a.last.full() {
			if err := a.last.save(ctx, do.saveBlock); err != nil {
				return err
			}
			a.last = emptyBlock(a.row.head, a.row.bytes)
		}
	}
	for ; len(rows) > 0; rows = rows[columns:] {
		if _, err := do.insert.ExecContext(ctx, rows[:columns]...); err != nil {
			return err
		}
	}
	return nil
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
