package mcp

import (
	"encoding/json"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// inbox is what a client has been told and has not looked at.
type inbox struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string]chan json.RawMessage
	notes   chan json.RawMessage
	loose   chan json.RawMessage // answers to no id
}

func newInbox(t *testing.T) *inbox {
	return &inbox{t: t, answers: map[string]chan json.RawMessage{},
		notes: make(chan json.RawMessage, 10_000), loose: make(chan json.RawMessage, 100)}
}

// sort takes a message of the server.
func (b *inbox) sort(line []byte) {
	var head struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	if !utf8.Valid(line) {
		b.t.Errorf("the server wrote %q, which is not UTF-8", line)
	}
	if err := json.Unmarshal(line, &head); err != nil {
		b.t.Errorf("the server wrote %q: %v", line, err)
		return
	}
	switch {
	case head.Method != "":
		b.notes <- line
	case len(head.ID) == 0 || string(head.ID) == "null":
		b.loose <- line
	default:
		b.answer(string(head.ID)) <- line
	}
}

func (b *inbox) answer(id string) chan json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answers[id] == nil {
		b.answers[id] = make(chan json.RawMessage, 10)
	}
	return b.answers[id]
}

// reply waits for the answer to a request; fault for an error that answers to none.
func (b *inbox) reply(id string) json.RawMessage {
	b.t.Helper()
	return b.receive(b.answer(id), "answer to "+id)
}

func (b *inbox) fault() json.RawMessage {
	b.t.Helper()
	return b.receive(b.loose, "error")
}

// unread returns a notification that is there already.
func (b *inbox) unread() (json.RawMessage, bool) {
	select {
	case line := <-b.notes:
		return line, true
	default:
		return nil, false
	}
}

func (b *inbox) receive(from chan json.RawMessage, what string) json.RawMessage {
	b.t.Helper()
	select {
	case line := <-from:
		return line
	case <-time.After(anySecond):
		b.t.Fatalf("no %s within %v", what, anySecond)
		return nil
	}
}

func (b *inbox) note() json.RawMessage {
	b.t.Helper()
	return b.receive(b.notes, "notification")
}
