package journal

import (
	"context"
	"errors"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// ErrFull is wrapped by the errors of [Journal.Append] when there is no room on the disk.
var ErrFull = errors.New("the disk is full")

// Entry is an event to append.
type Entry struct {
	// ID is the same for what is the same event, of which one is kept.
	ID       string
	Type     string
	Received time.Time
	// Event is stored, and returned by Read, byte for byte.
	Event []byte
}

// Appended says what became of an [Entry].
type Appended struct {
	// Position is behind the event; zero for a duplicate.
	Position eventcore.Position
	// Duplicate means that an event with this id is in the journal already, or earlier in the same call.
	Duplicate bool
}

// Query says which events to read.
type Query struct {
	After eventcore.Position
	// Types are the event types wanted; none means all.
	Types []string
	// Limit bounds the events returned, at least 1.
	Limit int
	// Bytes bounds the sum of their sizes; the first event may exceed it. Zero means no bound.
	Bytes int
}

// Record is an event that was read.
type Record struct {
	Position eventcore.Position
	Type     string
	Event    []byte
}

// Batch is the result of a read.
type Batch struct {
	Records []Record
	// Next is behind the last record or, when there are no more matching events, behind all that was looked at.
	Next eventcore.Position
	// More means that matching events lie after Next.
	More bool
	// Gap means that events after Query.After were trimmed.
	Gap bool
}

// Retention bounds what a journal keeps: whichever is less.
type Retention struct {
	Age   time.Duration
	Bytes int64
}

// DefaultRetention is 7 days or 256 MiB of events.
var DefaultRetention = Retention{Age: 7 * 24 * time.Hour, Bytes: 256 << 20}

// Stats describes what a journal retains. Bytes are those of the events, without the storage's overhead. Oldest
// and Newest are times of arrival; zero when it is empty.
type Stats struct {
	Events         int
	Bytes          int64
	Head           eventcore.Position
	Oldest, Newest time.Time
}

// Journal is an event log. Positions are given out by it, in the order of the log; callers compare them and pass
// them back, and derive nothing else. Others may append to the same log at the same time. All methods may be
// called from many goroutines at once. An error that only a person can mend, a damaged file say, has an
// [*eventcore.Error] in its chain.
type Journal interface {
	// ID names the log; a log that was recreated has another one. It is part of every [eventcore.Cursor], which is
	// shortest if the name is a few letters, digits, - and _.
	ID() string
	// Append stores the entries in order. When it returns without error they are durable; with an error, none
	// is to be relied on, and appending them again is safe.
	Append(ctx context.Context, entries []Entry) ([]Appended, error)
	// Read returns events in order. It does not wait.
	Read(ctx context.Context, q Query) (Batch, error)
	// Count returns how many events of these types (none means all) lie after a position.
	Count(ctx context.Context, after eventcore.Position, types []string) (int, error)
	// Head is the position behind the newest event ever appended.
	Head(ctx context.Context) (eventcore.Position, error)
	// Oldest is the position before the oldest retained event.
	Oldest(ctx context.Context) (eventcore.Position, error)
	// SeekTime is the position before the first retained event that arrived at t or later, or the head.
	SeekTime(ctx context.Context, t time.Time) (eventcore.Position, error)
	// LatestBefore is when the newest of the events arrived that arrived before t, or one not much older; zero if none is
	// known. Clocks leap, so that an older one may have a later time.
	LatestBefore(ctx context.Context, t time.Time) (time.Time, error)
	// Trim removes the oldest events until the rest is within the retention at the time now, and returns how many it
	// removed. What a clock has stamped with a time after now is as old as the events soon behind it.
	Trim(ctx context.Context, r Retention, now time.Time) (int, error)
	// Stats describes what is retained.
	Stats(ctx context.Context) (Stats, error)
	// Close releases the storage.
	Close() error
}
