package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// keepAlive is the longest quiet on a stream, so that proxies do not end it. It is longer than heartbeatTime by what a
// heartbeat may take, so that a stream that has those needs nothing else.
const keepAlive = 20 * time.Second

// sseWriter writes a response of server-sent events. Each write has a deadline, so that a client that does not read ends
// its stream, and nothing else; between writes there is none, because in HTTP/2 one that passes ends the stream even if
// nothing is written. It is for one goroutine at a time.
type sseWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	// permitted reports whether the client may still be told of anything.
	permitted func() bool
}

var errNotPermitted = errors.New("the client's token is no longer good")

func newSSEWriter(w http.ResponseWriter, permitted func() bool) *sseWriter {
	return &sseWriter{w: w, control: http.NewResponseController(w), permitted: permitted}
}

// begin sends the headers.
func (s *sseWriter) begin() error {
	header := s.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // nginx would collect events
	s.w.WriteHeader(http.StatusOK)
	return s.flush()
}

// message sends a message, with an id if it is one that can be asked for again.
func (s *sseWriter) message(id uint64, line []byte) error {
	if !s.permitted() {
		return errNotPermitted
	}
	s.extend()
	if id > 0 {
		fmt.Fprintf(s.w, "id: %d\n", id)
	}
	// The errors of the first writes come again with the last.
	io.WriteString(s.w, "event: message\ndata: ")
	s.w.Write(line)
	if _, err := io.WriteString(s.w, "\n\n"); err != nil {
		return err
	}
	return s.flush()
}

// prime sends an event without a message, by whose id a client resumes that has not received any.
func (s *sseWriter) prime(id uint64) error {
	s.extend()
	fmt.Fprintf(s.w, "id: %d\ndata:\n\n", id)
	return s.flush()
}

// comment sends what no client looks at.
func (s *sseWriter) comment() error {
	if !s.permitted() {
		return errNotPermitted
	}
	s.extend()
	io.WriteString(s.w, ":\n\n")
	return s.flush()
}

func (s *sseWriter) extend() {
	// The error is that the writer has no deadlines, as in a test.
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime))
}

func (s *sseWriter) flush() error {
	s.extend()
	if err := s.control.Flush(); err != nil {
		return err
	}
	_ = s.control.SetWriteDeadline(time.Time{})
	return nil
}

// interrupt makes a write that blocks fail. It may be called from any goroutine, while the request is served.
func (s *sseWriter) interrupt() { _ = s.control.SetWriteDeadline(time.Now()) }

// httpReply is the response to one request: JSON, or, once the request has something to say before its answer, a stream
// of events. It may be used from many goroutines at once.
type httpReply struct {
	// lost is called when the client cannot be written to, or may not.
	lost context.CancelFunc

	mu        sync.Mutex
	sse       *sseWriter
	streaming bool
	over      bool
	keepAlive *time.Timer
}

func newHTTPReply(sse *sseWriter, lost context.CancelFunc) *httpReply {
	return &httpReply{sse: sse, lost: lost}
}

// send sends what the request says in its course. Other senders wait meanwhile.
func (r *httpReply) send(ctx context.Context, line []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over:
		return errOutboxClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case !r.streaming:
		r.streaming = true
		r.keepAlive = time.AfterFunc(keepAlive, r.quiet)
		if err := r.sse.begin(); err != nil {
			return r.fail(err)
		}
	}
	if err := r.sse.message(0, line); err != nil {
		return r.fail(err)
	}
	r.keepAlive.Reset(keepAlive)
	return nil
}

// quiet is called when nothing was said for a while.
func (r *httpReply) quiet() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	if err := r.sse.comment(); err != nil {
		r.fail(err)
		return
	}
	r.keepAlive.Reset(keepAlive)
}

// fail ends the response; r.mu must be held.
func (r *httpReply) fail(err error) error {
	r.over = true
	r.lost()
	return fmt.Errorf("write to the client: %w", err)
}

// end sends the answer, if there is one, and ends the response. From here on the response is not written to.
func (r *httpReply) end(status int, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keepAlive != nil {
		r.keepAlive.Stop()
	}
	switch {
	case r.streaming:
		if line != nil && !r.over {
			_ = r.sse.message(0, line) // the stream ends either way
		}
		r.sse.extend() // for the end of the response
	case line == nil:
		r.sse.w.WriteHeader(http.StatusAccepted)
	default:
		writeJSON(r.sse.w, status, line)
	}
	r.over = true
}
