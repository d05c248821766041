//go:build unix

package main_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what a process writes, and lets a test wait for a line.
type lines struct {
	mu      sync.Mutex
	whole   bytes.Buffer
	found   []string
	rest    []byte // the line that has not ended
	closed  bool
	changed chan struct{} // closed at each change
}

func newLines() *lines { return &lines{changed: make(chan struct{})} }

// Write takes a part of the output. It never fails.
func (l *lines) Write(part []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole.Write(part)
	l.rest = append(l.rest, part...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte("\n"))
		if !ended {
			break
		}
		l.found, l.rest = append(l.found, string(line)), rest
	}
	l.signal()
	return len(part), nil
}

// close says that nothing more comes.
func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.found, l.rest = append(l.found, string(l.rest)), nil
	}
	l.closed = true
	l.signal()
}

func (l *lines) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// from returns the lines after the first n, a channel that is closed when there are more, and whether none will come.
func (l *lines) from(n int) (more []string, changed <-chan struct{}, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.found[n:], l.changed, l.closed
}

// all returns the complete lines so far.
func (l *lines) all() []string {
	found, _, _ := l.from(0)
	return found
}

// String returns everything so far.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.whole.String()
}

// await returns the first line that holds text.
func (l *lines) await(t *testing.T, text string) string {
	t.Helper()
	limit := time.After(soon)
	for seen := 0; ; {
		more, changed, closed := l.from(seen)
		for _, line := range more {
			if strings.Contains(line, text) {
				return line
			}
		}
		if seen += len(more); closed {
			t.Fatalf("the process ended without a line with %q; it wrote:\n%s", text, l)
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("no line with %q within %s; there is:\n%s", text, soon, l)
		}
	}
}
