package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
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
	counted int // entries that count
}

// noLimit is the limit of requests that are not limited in number, and do not count against others.
const noLimit = 0

// isStream reports whether a request is answered by a stream, which lasts as long as its client wants. Of those there may
// be any number.
func isStream(method string) bool {
	return method == string(mcpgo.MethodSubscriptionsListen) || method == eventsStreamMethod
}

// inflightEntry is one request; its id may be in use again as soon as it was cancelled.
type inflightEntry struct {
	key    string
	cancel context.CancelFunc
	free   bool // it does not count
}

func newInflight() *inflight { return &inflight{entries: map[string]*inflightEntry{}} }

// begin enters a request, which stops at cancel. It refuses an id that is in use, and any request beyond limit; with
// noLimit the request is none of those that count.
func (t *inflight) begin(id json.RawMessage, limit int, cancel context.CancelFunc) (*inflightEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	entry := &inflightEntry{key: idKey(id), cancel: cancel, free: limit == noLimit}
	if _, ok := t.entries[entry.key]; ok {
		return nil, errDuplicateID
	}
	if !entry.free {
		if t.counted >= limit {
			return nil, errTooMany
		}
		t.counted++
	}
	t.entries[entry.key] = entry
	return entry, nil
}

// remove takes an entry out, with mu held.
func (t *inflight) remove(entry *inflightEntry) {
	delete(t.entries, entry.key)
	if !entry.free {
		t.counted--
	}
}

// cancel ends a request early. From here on it gets no answer.
func (t *inflight) cancel(id json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry, ok := t.entries[idKey(id)]; ok {
		t.remove(entry)
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
	t.remove(entry)
	return true
}
