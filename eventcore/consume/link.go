package consume

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// errLost is wrapped by the errors of requests whose connection ended before the answer.
var errLost = errors.New("the connection to the bus was lost")

// errNoWelcome is returned when the hello was not answered in time.
var errNoWelcome = errors.New("the bus did not answer the hello in time")

// link is one connection to a bus, from its hello to its end. It may be used from many goroutines at once.
type link struct {
	net     net.Conn
	out     *protocol.Writer
	welcome protocol.Welcome
	done    chan struct{} // closed when the connection has ended
	tails   tails

	mu       sync.Mutex
	lastID   uint64
	pending  map[uint64]chan *protocol.Response
	stopping bool // the bus was told to stop
	source   source.State
	changed  chan struct{} // closed when source changes
}

// open introduces the consumer on a fresh connection. An error leaves the connection closed; it is errNoWelcome if
// the bus hangs.
func open(ctx context.Context, conn net.Conn, hello protocol.Hello) (*link, error) {
	l := &link{
		net: conn, out: protocol.NewWriter(promptConn{conn}), done: make(chan struct{}),
		pending: map[uint64]chan *protocol.Response{}, changed: make(chan struct{}),
		tails: tails{byTypes: map[string]*tail{}},
	}
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	stop := context.AfterFunc(limited, func() { conn.Close() })
	in := protocol.NewReader(conn, protocol.MaxResponseLine)
	var answer protocol.Response
	err := l.out.Write(protocol.Request{ID: 0, Hello: &hello})
	if err == nil {
		err = in.Read(&answer)
	}
	inTime := stop()
	switch {
	case ctx.Err() != nil:
		conn.Close()
		return nil, ctx.Err()
	case !inTime:
		return nil, errNoWelcome
	case err != nil:
		conn.Close()
		return nil, fmt.Errorf("%w: %w", errLost, err)
	case answer.Error != nil:
		conn.Close()
		return nil, answer.Error
	case answer.Welcome == nil:
		conn.Close()
		return nil, fmt.Errorf("%w: the bus did not answer the hello", errLost)
	}
	l.welcome, l.source = *answer.Welcome, answer.Welcome.Source
	go l.read(in)
	return l, nil
}

// read hands answers to those who wait, until the connection ends.
func (l *link) read(in *protocol.Reader) {
	defer close(l.done)
	defer l.net.Close()
	for {
		var answer protocol.Response
		if err := in.Read(&answer); err != nil {
			return
		}
		l.mu.Lock()
		waiting := l.pending[answer.ID]
		delete(l.pending, answer.ID)
		if answer.Source != nil {
			l.source = *answer.Source
			close(l.changed)
			l.changed = make(chan struct{})
		}
		l.stopping = l.stopping || answer.Stopping != nil
		l.mu.Unlock()
		if waiting != nil {
			waiting <- &answer
		}
	}
}

// call sends a request and returns its answer. When ctx ends first, or the bus does not answer in time, the request
// is cancelled on the bus as well.
func (l *link) call(ctx context.Context, req protocol.Request) (*protocol.Response, error) {
	answered := make(chan *protocol.Response, 1)
	l.mu.Lock()
	l.lastID++
	req.ID = l.lastID
	l.pending[req.ID] = answered
	l.mu.Unlock()
	forget := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.pending, req.ID)
	}
	if err := l.out.Write(req); err != nil {
		forget()
		return nil, fmt.Errorf("%w: %w", errLost, err)
	}
	limit := time.NewTimer(answerLimit(&req))
	defer limit.Stop()
	var answer *protocol.Response
	select {
	case answer = <-answered:
	case <-l.done:
		select {
		case answer = <-answered: // it had come before the end, and what it says was done
		default:
			forget()
			return nil, errLost
		}
	case <-ctx.Done():
		forget()
		l.out.Write(protocol.Request{Cancel: req.ID})
		return nil, ctx.Err()
	case <-limit.C:
		forget()
		l.out.Write(protocol.Request{Cancel: req.ID})
		return nil, l.late(&req)
	}
	switch {
	case answer.Error != nil:
		return nil, answer.Error
	case !answers(answer, &req):
		return nil, strangeAnswer(l.welcome.PID)
	}
	return answer, nil
}

// tell sends requests whose answers nobody needs, in their order.
func (l *link) tell(reqs ...protocol.Request) {
	for _, req := range reqs {
		l.mu.Lock()
		l.lastID++
		req.ID = l.lastID
		l.mu.Unlock()
		if l.out.Write(req) != nil {
			return // the connection has ended, and with it what it held
		}
	}
}

// state returns the source's state and a channel that is closed when it changes.
func (l *link) state() (source.State, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source, l.changed
}

// retrySource asks the bus to try the platform again, which has refused; the link's state says how it goes. A bus
// that does not know how tries again at a hello only.
func (l *link) retrySource(ctx context.Context) error {
	if !slices.Contains(l.welcome.Capabilities, protocol.CapabilityRetry) {
		return nil
	}
	_, err := l.call(ctx, protocol.Request{Retry: &protocol.Empty{}})
	return err
}

// wasStopped reports whether the bus ended because somebody told it to.
func (l *link) wasStopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping
}

// alive reports whether the connection has not ended.
func (l *link) alive() bool {
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

// close ends the connection and waits until its reader has.
func (l *link) close() {
	l.net.Close()
	<-l.done
}

// cursor is the cursor at a position of this bus's journal.
func (l *link) cursor(after eventcore.Position) eventcore.Cursor {
	return eventcore.Cursor{Journal: l.welcome.Journal, After: after}
}
