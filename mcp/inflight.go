package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
)

var (
	errDuplicateID = errors.New("a request with this id is still being answered")
	errTooMany     = errors.New("too many requests are being answered")
)

// inflight knows the requests that are being answered, so that they can be cancelled. Whether a request was
// answered or cancelled first is decided here, once. mcp-go's own table would not do: it learns of a request only
// when its handler starts, takes the ids 1 and "1" for one, and lets a cancelled request answer all the same.
type inflight struct {
	mu      sync.Mutex
	entries map[string]*inflightEntry
}

// inflightEntry is one request; its id may be in use again as soon as it was cancelled.
type inflightEntry struct {
	key    string
	cancel context.CancelFunc
}

func newInflight() *inflight { return &inflight{entries: map[string]*inflightEntry{}} }

// begin enters a request, which stops at cancel. It refuses an id that is in use, and any request beyond limit.
func (t *inflight) begin(id json.RawMessage, limit int, cancel context.CancelFunc) (*inflightEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	entry := &inflightEntry{key: idKey(id), cancel: cancel}
	if _, ok := t.entries[entry.key]; ok {
		return nil, errDuplicateID
	}
	if len(t.entries) >= limit {
		return nil, errTooMany
	}
	t.entries[entry.key] = entry
	return entry, nil
}

// cancel ends a request early. From here on it gets no answer.
func (t *inflight) cancel(id json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry, ok := t.entries[idKey(id)]; ok {
		delete(t.entries, entry.key)
		entry.cancel()
	}
}

// finish reports whether the request may be answered, which it may unless it was cancelled.
func (t *inflight) finish(entry *inflightEntry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[entry.key] != entry {
		return false
	}
	delete(t.entries, entry.key)
	return true
}
