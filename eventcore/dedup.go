package eventcore

import (
	"sync"
	"time"
)

const (
	defaultDedupSize = 10_000
	defaultDedupTTL  = 10 * time.Minute
)

// DedupFilter remembers which ids of events were seen lately. What it has seen is decided by a map of id to time
// alone; a ring of the ids in order of arrival bounds the map. Each call costs the same however many ids are
// remembered. It may be used from many goroutines at once.
type DedupFilter struct {
	mu   sync.Mutex
	ttl  time.Duration
	seen map[string]dedupMark
	ring []string
	next int
}

// dedupMark is when an id was seen, and the ring slot that will evict it.
type dedupMark struct {
	at   time.Time
	slot int
}

// NewDedupFilter returns a filter for the last 10,000 ids of the last 10 minutes.
func NewDedupFilter() *DedupFilter {
	return NewDedupFilterWithSize(defaultDedupSize, defaultDedupTTL)
}

// NewDedupFilterWithSize returns a filter that remembers an id for ttl, and at most ringSize ids. A ringSize below
// 1 counts as 1.
func NewDedupFilterWithSize(ringSize int, ttl time.Duration) *DedupFilter {
	return &DedupFilter{ttl: ttl, seen: map[string]dedupMark{}, ring: make([]string, max(ringSize, 1))}
}

// IsDuplicate reports whether eventID was seen within the TTL, and remembers it if not. An empty id is never a
// duplicate.
func (d *DedupFilter) IsDuplicate(eventID string) bool {
	if eventID == "" {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	mark, known := d.seen[eventID]
	if known && now.Sub(mark.at) < d.ttl {
		return true
	}
	slot := d.next
	d.next = (d.next + 1) % len(d.ring)
	// The slot's former id leaves the map, unless it was seen again later and sits in another slot by now.
	if old := d.ring[slot]; old != "" && d.seen[old].slot == slot {
		delete(d.seen, old)
	}
	d.ring[slot] = eventID
	d.seen[eventID] = dedupMark{at: now, slot: slot}
	return false
}

// Seen reports whether eventID was seen within the TTL, without remembering it.
func (d *DedupFilter) Seen(eventID string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	mark, known := d.seen[eventID]
	return known && time.Since(mark.at) < d.ttl
}
