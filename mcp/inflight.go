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
	counted map[bool]int // entries, by whether they are streams
}

// isStream reports whether a request is answered by a stream, which lasts as long as its client wants, so that it must not
// take the place of one that is over soon.
func isStream(method string) bool {
	return method == string(mcpgo.MethodSubscriptionsListen) || method == eventsStreamMethod
}

// inflightEntry is one request; its id may be in use again as soon as it was cancelled.
type inflightEntry struct {
	key    string
	cancel context.CancelFunc
	stream bool
}

func newInflight() *inflight {
	return &inflight{entries: map[string]*inflightEntry{}, counted: map[bool]int{}}
}

// begin enters a request, which stops at cancel. It refuses an id that is in use, and any stream beyond the limit of
// streams, or any other request beyond that of others.
func (t *inflight) begin(id json.RawMessage, stream bool, limit int, cancel context.CancelFunc) (*inflightEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	entry := &inflightEntry{key: idKey(id), cancel: cancel, stream: stream}
	if _, ok := t.entries[entry.key]; ok {
		return nil, errDuplicateID
	}
	if t.counted[stream] >= limit {
		return nil, errTooMany
	}
	t.counted[stream]++
	t.entries[entry.key] = entry
	return entry, nil
}

// remove takes an entry out, with mu held.
func (t *inflight) remove(entry *inflightEntry) {
	delete(t.entries, entry.key)
	t.counted[entry.stream]--
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
