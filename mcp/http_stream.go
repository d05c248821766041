package mcp

import (
	"context"
	"sync"
)

const (
	// maxUnsentBytes bounds what waits for a client that does not listen, beside a single message that is longer. Those
	// who have more to say wait.
	maxUnsentBytes = 64 << 10
	// What was sent is kept for a client that lost its connection, up to these bounds.
	maxReplay      = 128
	maxReplayBytes = 32 << 10
)

// httpStream holds what a session has to say until its client's GET stream takes it, and for a while after. Its methods
// may be called from many goroutines at once.
type httpStream struct {
	changed *broadcast

	mu     sync.Mutex
	events [][]byte // those sent and kept, then those to be sent
	first  uint64   // the id of the first of them; ids are consecutive and begin with 1
	next   uint64   // the id of the first to be sent
	reader *streamReader
}

// streamReader is the one connection that takes a stream's events.
type streamReader struct {
	// stop makes it leave; interrupt makes a write that blocks fail.
	stop, interrupt func()
	left            chan struct{} // closed when it takes no more
}

func newHTTPStream() *httpStream {
	return &httpStream{changed: newBroadcast(), first: 1, next: 1}
}

// send waits until there is room for the line.
func (h *httpStream) send(ctx context.Context, line []byte) error {
	for {
		changed := h.changed.next()
		if h.add(line) {
			h.changed.fire()
			return nil
		}
		select {
		case <-changed.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *httpStream) add(line []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	unsent := h.events[h.next-h.first:]
	if len(unsent) >= outboxDepth || (len(unsent) > 0 && size(unsent)+len(line) > maxUnsentBytes) {
		return false
	}
	h.events = append(h.events, line)
	return true
}

// attach makes the caller the stream's reader, in place of the one there is: that one's connection is often dead before
// the server can know. It returns when the other has left. The context it returns ends when the caller is replaced in
// turn, with interrupt called; leave is to be called when it takes no more.
func (h *httpStream) attach(ctx context.Context, interrupt func()) (reading context.Context, leave func()) {
	reading, stop := context.WithCancel(ctx)
	reader := &streamReader{stop: stop, interrupt: interrupt, left: make(chan struct{})}
	h.mu.Lock()
	before := h.reader
	if before != nil {
		before.stop()
		before.interrupt() // it has not left, so that the connection is still its own
	}
	h.reader = reader
	h.mu.Unlock()
	if before != nil {
		<-before.left
	}
	return reading, func() {
		stop()
		h.mu.Lock()
		if h.reader == reader {
			h.reader = nil
		}
		h.mu.Unlock()
		close(reader.left)
	}
}

// rewind goes back to after the event that a client saw last. It returns false if not all that follows is there, or if
// there never was such an event; then the stream goes on with what there is.
func (h *httpStream) rewind(seen uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen >= h.next { // never sent
		return false
	}
	h.next = max(seen+1, h.first)
	return seen+1 >= h.first
}

// peek returns the next event to send, and its id; 0 if there is none. It goes on being the next until sent.
func (h *httpStream) peek() (line []byte, id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.next - h.first; i < uint64(len(h.events)) {
		return h.events[i], h.next
	}
	return nil, 0
}

// lastSent returns the id of the last event sent, 0 if there was none.
func (h *httpStream) lastSent() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next - 1
}

// sent says that the event was written, which makes room for others.
func (h *httpStream) sent(id uint64) {
	h.mu.Lock()
	h.next = id + 1
	kept := h.events[:h.next-h.first]
	drop := 0
	for bytes := size(kept); drop < len(kept) && (len(kept)-drop > maxReplay || bytes > maxReplayBytes); drop++ {
		bytes -= len(kept[drop])
	}
	clear(h.events[:drop]) // the array lives on
	h.events, h.first = h.events[drop:], h.first+uint64(drop)
	h.mu.Unlock()
	h.changed.fire()
}

func size(lines [][]byte) int {
	total := 0
	for _, line := range lines {
		total += len(line)
	}
	return total
}
