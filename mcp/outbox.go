package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// outboxDepth is how many lines wait for a client before those who have more to say wait as well. It is small:
// a line can be a page of events.
const outboxDepth = 16

var errOutboxClosed = errors.New("the connection to the client is closed")

// sender takes messages to a client. send blocks until the client's reading makes room, so that nothing is
// dropped and nothing piles up; it returns early with an error if ctx ends or the connection is gone. It may be
// called from many goroutines at once.
type sender interface {
	send(ctx context.Context, line []byte) error
}

// outbox writes lines to one client, one at a time, in the order in which they were taken.
type outbox struct {
	lines  chan []byte
	finish chan struct{} // closed: write what is there, then end
	done   chan struct{} // closed: no line is written any more
	err    error         // why writing ended; read it after done
}

func newOutbox() *outbox {
	return &outbox{
		lines:  make(chan []byte, outboxDepth),
		finish: make(chan struct{}),
		done:   make(chan struct{}),
	}
}

func (o *outbox) send(ctx context.Context, line []byte) error {
	select {
	case o.lines <- line:
		return nil
	case <-o.done:
		return errOutboxClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes to w until close, or until writing fails.
func (o *outbox) run(w io.Writer) {
	defer close(o.done)
	for {
		select {
		case line := <-o.lines:
			if !o.write(w, line) {
				return
			}
		case <-o.finish:
			for {
				select {
				case line := <-o.lines:
					if !o.write(w, line) {
						return
					}
				default:
					return
				}
			}
		}
	}
}

func (o *outbox) write(w io.Writer, line []byte) bool {
	// One Write for the line and its end, so that whoever reads a pipe never sees half a message for long.
	if _, err := w.Write(append(line, '\n')); err != nil {
		o.err = fmt.Errorf("write to the client: %w", err)
		return false
	}
	return true
}

// close has what is queued written and ends run. It gives up when ctx ends: a Write that a client holds up by not
// reading cannot be interrupted, and ends when the reading end is closed. It must be called once, after all sends.
func (o *outbox) close(ctx context.Context) {
	close(o.finish)
	select {
	case <-o.done:
	case <-ctx.Done():
	}
}
