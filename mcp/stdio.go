package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

const (
	// maxRequests bounds the requests of one client that are being answered at once.
	maxRequests = 256
	// maxStreams bounds the streams that one client has open.
	maxStreams = 1000
	// When the input ends, requests under way have drainTime to finish. Then, or at once if the context ended,
	// they are cancelled, and all is over within closeTime: cleanups on the platform, and what is left to write.
	drainTime = 300 * time.Millisecond
	closeTime = 1300 * time.Millisecond
	flushTime = 100 * time.Millisecond
	// maxUnread bounds, in bytes, the answers of the reading loop itself that a client leaves unread.
	maxUnread = 1 << 20
)

// ServeStdio serves the server's only client: messages are lines of JSON, requests in and answers and notifications out. It
// returns nil when in ends, ctx's error when ctx ends, and an error when out cannot be written to any more; in
// each case within two seconds, with all subscriptions ended and the server closed.
//
// A Read of in or a Write to out that blocks cannot be interrupted. If one does when ServeStdio returns, its
// goroutine ends once in or out is closed. On a Unix system the caller should ignore SIGPIPE, which would end the
// process at the first write to a closed stdout, before any cleanup.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	box := newOutbox()
	go box.run(out)
	loop := &stdioLoop{session: s.newSession(box, ""), box: box}

	requests, cancelRequests := context.WithCancel(ctx)
	defer cancelRequests()
	err := loop.run(requests, in)

	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	loop.session.drain()
	if err == nil {
		draining, cancel := context.WithTimeout(closing, drainTime)
		waitOr(draining, &loop.handlers)
		cancel()
	}
	cancelRequests()
	unwinding, cancelUnwinding := context.WithTimeout(closing, drainTime)
	waitOr(unwinding, &loop.handlers)
	cancelUnwinding()
	var ending sync.WaitGroup
	ending.Go(func() { s.Close(closing) })
	loop.session.close(closing)
	ending.Wait()

	flushing, cancelFlush := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancelFlush()
	box.close(flushing)
	return err
}

// stdioLoop reads one client's messages. What its session does is the same for every transport; the order of
// messages and the number of requests at once are the loop's affair.
type stdioLoop struct {
	session  *Session
	box      *outbox
	handlers sync.WaitGroup // requests being answered, and sendWaiting

	mu      sync.Mutex
	waiting [][]byte // what the loop itself answered and was not sent yet
	unread  int      // their bytes
}

// run handles messages until the input ends (nil), ctx ends, or the client can no longer be written to.
func (l *stdioLoop) run(ctx context.Context, in io.Reader) error {
	type input struct {
		line []byte
		err  error
	}
	inputs := make(chan input)
	done := make(chan struct{})
	defer close(done)
	go func() {
		reader := newLineReader(in, maxLineBytes)
		for {
			line, err := reader.next()
			select {
			case inputs <- input{line, err}:
			case <-done:
				return
			}
			if err != nil && err != errLineTooLong { // joined with another error, it is final
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.box.done:
			return l.box.err
		case got := <-inputs:
			switch {
			case got.err == nil:
				l.handle(ctx, got.line)
			case errors.Is(got.err, errLineTooLong):
				l.replyLater(encodeError(nil, &rpcError{Code: mcpgo.INVALID_REQUEST,
					Message: fmt.Sprintf("the line is longer than %d bytes and was skipped", maxLineBytes)}))
			}
			if l.tooMuchUnread() {
				return fmt.Errorf("the client sends but does not read: more than %d bytes of refusals wait for it; "+
					"a client must read its input while it writes", maxUnread)
			}
			switch {
			case got.err == nil || got.err == errLineTooLong:
			case errors.Is(got.err, io.EOF):
				return nil
			default:
				return fmt.Errorf("read from the client: %w", got.err)
			}
		}
	}
}

// handle takes one line. Requests are answered at the same time, because a poll may wait; initialize and
// notifications are handled in their turn.
func (l *stdioLoop) handle(ctx context.Context, line []byte) {
	msg, problem := parseMessage(line)
	switch {
	case problem != nil:
		l.replyLater(encodeError(msg.id, problem))
	case msg.method == "":
		// An answer to nothing.
	case msg.method == string(mcpgo.MethodNotificationCancelled):
		l.session.inflight.cancel(cancelledID(msg.raw))
	case !msg.isRequest():
		c := &call{session: l.session, out: l.box}
		l.session.answer(ctx, c, msg)
		c.settle(true)
	case msg.method == string(mcpgo.MethodInitialize):
		c := &call{session: l.session, out: l.box}
		answer := l.session.answer(ctx, c, msg)
		c.settle(true)
		l.replyLater(answer)
	default:
		l.start(ctx, msg)
	}
}

// start answers a request in a goroutine of its own.
func (l *stdioLoop) start(ctx context.Context, msg message) {
	ctx, cancel := context.WithCancel(ctx)
	stream, limit, what := isStream(msg.method), maxRequests, "requests are being answered"
	if stream {
		limit, what = maxStreams, "streams are open"
	}
	entry, err := l.session.inflight.begin(msg.id, stream, limit, cancel)
	switch {
	case errors.Is(err, errDuplicateID):
		cancel()
		// Answered to no id: under its own it would pass for the answer to the request that has it already.
		l.replyLater(encodeError(nil, &rpcError{Code: mcpgo.INVALID_REQUEST,
			Message: fmt.Sprintf("request id %s is in use by a request that is still being answered", clip(string(msg.id), 100))}))
		return
	case err != nil && msg.method == string(mcpgo.MethodPing): // by which a client sees whether the server lives
		cancel()
		l.replyLater(l.session.answer(ctx, &call{session: l.session, out: l.box}, msg))
		return
	case err != nil:
		cancel()
		l.replyLater(encodeError(msg.id, &rpcError{Code: codeBusy,
			Message: fmt.Sprintf("%d %s, the most at once; wait for some, or cancel them", limit, what)}))
		return
	}
	l.handlers.Go(func() {
		defer cancel()
		c := &call{session: l.session, out: l.box}
		answer := l.session.answer(ctx, c, msg)
		answered := l.session.inflight.finish(entry)
		c.settle(answered)
		if answered {
			l.reply(answer)
		}
	})
}

// replyLater has a line sent by a goroutine of its own, one for all such lines: the loop must see the end of its
// input and of its context also while the client does not read.
func (l *stdioLoop) replyLater(line []byte) {
	if line == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, line)
	l.unread += len(line)
	if len(l.waiting) == 1 {
		l.handlers.Go(l.sendWaiting)
	}
}

// sendWaiting sends what waits, in order, until nothing does.
func (l *stdioLoop) sendWaiting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) > 0 {
		line := l.waiting[0]
		l.mu.Unlock()
		l.reply(line)
		l.mu.Lock()
		l.waiting, l.unread = l.waiting[1:], l.unread-len(line)
	}
}

// tooMuchUnread reports whether more than maxUnread bytes wait behind the line that is being sent.
func (l *stdioLoop) tooMuchUnread() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 1 && l.unread-len(l.waiting[0]) > maxUnread
}

// reply sends a line unless the session ends first.
func (l *stdioLoop) reply(line []byte) {
	if line == nil {
		return
	}
	if err := l.box.send(l.session.life, line); err != nil {
		l.session.logger.Debug("an answer was not sent", "error", err)
	}
}
