package bus

import (
	"slices"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// Bounds of the recent events kept in memory.
const (
	maxRecentEvents = 10_000
	maxRecentBytes  = 8 << 20
	// maxTogether bounds the bytes that lie together in memory, which are freed together.
	maxTogether = 1 << 20
)

// recentItem is an event with its encoding as a protocol.Item.
type recentItem struct {
	position  eventcore.Position
	eventType string
	line      []byte
}

// recent is the newest part of the journal in memory, each event encoded once.
type recent struct {
	mu    sync.RWMutex
	items []recentItem
	bytes int
	// floor is the position behind which all events are in items, head the one behind the newest.
	floor, head eventcore.Position
}

func newRecent() *recent { return &recent{} }

// start says where the journal stood before the first add.
func (r *recent) start(head eventcore.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor, r.head = head, head
}

// add appends events, which follow the head, and forgets the oldest beyond the bounds.
func (r *recent) add(items []recentItem) {
	if len(items) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.items = append(r.items, items...)
	for _, item := range items {
		r.bytes += len(item.line)
	}
	r.head = items[len(items)-1].position
	drop := 0
	for len(r.items)-drop > maxRecentEvents || (r.bytes > maxRecentBytes && drop < len(r.items)) {
		r.bytes -= len(r.items[drop].line)
		drop++
	}
	if drop > 0 {
		r.floor = r.items[drop-1].position
		clear(r.items[:drop]) // the array lives until it is full, and moving the rest each time would cost more
		r.items = r.items[drop:]
	}
	together(r.items[max(len(r.items)-len(items), 0):])
}

// together puts events that follow each other in memory as well, so that read gives them as one.
func together(items []recentItem) {
	for len(items) > 0 {
		n, size := 1, len(items[0].line)
		for n < len(items) && size+len(items[n].line) <= maxTogether {
			size += len(items[n].line)
			n++
		}
		if n > 1 {
			lines := make([]byte, 0, size)
			for i := range items[:n] {
				from := len(lines)
				lines = append(lines, items[i].line...)
				items[i].line = lines[from:]
			}
		}
		items = items[n:]
	}
}

// read answers a fetch from memory; ok is false if the position lies before what is kept. Events that follow each other in
// memory are one of lines.
func (r *recent) read(f *protocol.Fetch) (batch protocol.Batch, lines [][]byte, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if f.After < r.floor {
		return protocol.Batch{}, nil, false
	}
	head := max(f.After, r.head) // a reader of the journal may be ahead of what is published
	batch = protocol.Batch{Next: head, Head: head}
	from, _ := slices.BinarySearchFunc(r.items, f.After+1, func(item recentItem, position eventcore.Position) int {
		return int(int64(item.position) - int64(position))
	})
	size, events := 0, 0
	last := f.After
	for _, item := range r.items[from:] {
		if len(f.Types) > 0 && !slices.Contains(f.Types, item.eventType) {
			continue
		}
		if events == f.Max || (events > 0 && size+len(item.line) > f.MaxBytes) {
			batch.More, batch.Next = true, last
			break
		}
		if before := len(lines) - 1; before >= 0 && follows(item.line, lines[before]) {
			lines[before] = lines[before][:len(lines[before])+len(item.line)]
		} else {
			lines = append(lines, item.line)
		}
		events++
		size += len(item.line)
		last = item.position
	}
	return batch, lines, true
}

// follows reports whether b begins in memory where a ends, in the same array.
func follows(b, a []byte) bool {
	return cap(a)-len(a) >= len(b) && len(b) > 0 && &a[:len(a)+1][len(a)] == &b[0]
}

// headPosition is the position behind the newest published event.
func (r *recent) headPosition() eventcore.Position {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.head
}
