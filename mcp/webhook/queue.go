package webhook

import (
	"slices"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxAhead is how many events may lie between the watermark and what is read next.
const maxAhead = 1000

// entry is an event that was read and is neither delivered nor given up. Its body is not kept.
type entry struct {
	eventID string
	cursor  eventcore.Cursor // after the event
	tries   int              // those that failed
	since   time.Time        // when the first did
	due     time.Time        // of the next one
	busy    bool             // one is under way
	settled bool             // it waits for older ones, and then goes
}

// queue is how far a subscription has got: what was read, and of that what is not settled. It belongs to one goroutine.
type queue struct {
	read    eventcore.Cursor
	entries []*entry // in the order of their cursors; the first is not settled
}

func (q *queue) add(o Occurrence, now time.Time) *entry {
	e := &entry{eventID: o.EventID, cursor: o.Cursor, due: now}
	q.entries = append(q.entries, e)
	return e
}

// room is how many more events may be read.
func (q *queue) room() int { return maxAhead - len(q.entries) }

// settle takes an event out, whether it was delivered or given up.
func (q *queue) settle(e *entry) {
	e.settled = true
	settled := slices.IndexFunc(q.entries, func(e *entry) bool { return !e.settled })
	if settled < 0 {
		settled = len(q.entries)
	}
	q.entries = slices.Delete(q.entries, 0, settled)
}

// watermark is the last position of which, and of all before it, every event is settled.
func (q *queue) watermark() eventcore.Cursor {
	if len(q.entries) == 0 {
		return q.read
	}
	return justBefore(q.entries[0].cursor)
}

// next returns the event whose next try is due first, nil if there is none that waits for one.
func (q *queue) next() (first *entry) {
	for _, e := range q.entries {
		if !e.busy && !e.settled && (first == nil || e.due.Before(first.due)) {
			first = e
		}
	}
	return first
}

// hurry makes all tries due, the oldest event's first.
func (q *queue) hurry(now time.Time) {
	for _, e := range q.entries {
		e.hurry(now)
	}
}

// hurry makes the next try due. One before its time does not count.
func (e *entry) hurry(now time.Time) {
	if e.due.After(now) && e.tries > 0 {
		e.tries--
	}
	e.due = now
}

// fail records a failed try and reports whether it was the last.
func (e *entry) fail(now time.Time) (last bool) {
	if e.tries++; e.since.IsZero() {
		e.since = now
	}
	e.due = now.Add(backoff(e.tries, longestWait))
	return e.tries >= maxTries || now.Sub(e.since) >= giveUpTime
}

// startOver makes all tries due, and forgets those that failed.
func (q *queue) startOver(now time.Time) {
	for _, e := range q.entries {
		e.tries, e.since, e.due = 0, time.Time{}, now
	}
}

// probe makes one try due.
func (q *queue) probe(now time.Time) {
	if e := q.next(); e != nil {
		e.hurry(now)
	}
}

// justBefore is the position from which a read begins with the event that c is the position after. It needs no more of
// positions than that they are ordered numbers.
func justBefore(c eventcore.Cursor) eventcore.Cursor {
	if c.After > 0 {
		c.After--
	}
	return c
}
