package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// helloTimeout is how long a new connection has to introduce itself.
const helloTimeout = 10 * time.Second

const (
	// maxConns is how many connections may be open.
	maxConns = 4096
	// maxRequests bounds the requests under way of all connections together, but for the first few of each, so that
	// nobody is kept out by what others ask.
	maxRequests, fewRequests = 32 << 10, 8
)

const (
	acceptPause    = 250 * time.Millisecond // between two attempts to accept
	acceptPatience = time.Minute            // how long accepting may fail
)

// conn is one connection of a consumer. Requests that may wait run in goroutines of their own.
type conn struct {
	bus   *Bus
	net   net.Conn
	in    *protocol.Reader
	out   *protocol.Writer
	admit func() // says that the hello has come
	hello protocol.Hello
	since time.Time
	// turn has room for one token, held from reading events until they are written: what a consumer that does not read its
	// answers makes the bus hold is one batch, however many it asks for.
	turn chan struct{}

	work    sync.WaitGroup
	mu      sync.Mutex
	pending map[uint64]context.CancelFunc

	telling sync.Mutex // held to tell the source's state, so that an older one never follows a newer one
}

// serve accepts connections until the listener is closed, and waits for all of them to end. A failure to accept may
// pass (no file descriptor is free, the other side has gone), so that only one that lasts ends the bus.
func (b *Bus) serve(ctx context.Context, listener net.Listener) {
	listener = transport.Limit(listener, transport.Limits{Open: maxConns, Refusal: tooManyConns()})
	var conns sync.WaitGroup
	defer conns.Wait()
	var failing time.Time // since when, if it does
	for {
		accepted, err := listener.Accept()
		if err != nil {
			if b.life.Err() != nil {
				return
			}
			if failing.IsZero() {
				failing = time.Now()
			}
			if time.Since(failing) >= acceptPatience {
				b.stop(fmt.Errorf("accept consumers: %w", err))
				return
			}
			b.log.Warn("a consumer could not be accepted; trying again", "error", err)
			pause(b.life, acceptPause)
			continue
		}
		failing = time.Time{}
		guest := accepted.(*transport.Guest)
		c := &conn{
			bus: b, net: guest, since: time.Now(), pending: map[uint64]context.CancelFunc{}, admit: guest.Admit,
			turn: make(chan struct{}, 1),
			// The connection in the guest is one that the protocol can write to from many places in memory at once.
			in: protocol.NewReader(guest.Conn, protocol.MaxRequestLine), out: protocol.NewWriter(guest.Conn),
		}
		conns.Go(func() { c.run(ctx) })
	}
}

// tooManyConns is what a consumer is told for which there is no room.
func tooManyConns() []byte {
	line, _ := json.Marshal(protocol.Response{Error: &eventcore.Error{ // texts only
		Code: eventcore.CodeLimitReached, Message: fmt.Sprintf("the bus has %d consumers, the most it may have", maxConns),
		Hint: "end some; lark-events-mcp status lists them",
	}})
	return append(line, '\n')
}

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// run serves the connection until either side ends it.
func (c *conn) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.net.Close()
	// Closing the socket is what ends a blocked read or write.
	stop := context.AfterFunc(ctx, func() { c.net.Close() })
	defer stop()
	changed, ok := c.welcome(ctx)
	if !ok {
		return
	}
	if c.hello.Role == protocol.RoleConsumer {
		c.bus.consumers.add(c)
		defer c.bus.consumers.remove(c)
		defer c.bus.scopes.leave(c)
		if c.bus.endWanted() {
			c.reply(protocol.Response{Stopping: &protocol.Empty{}}) // it came too late to be told with the others
			return
		}
	}
	// A request under way can still acquire a scope, so that all must have ended before the connection leaves its own.
	defer func() {
		cancel()
		c.net.Close()
		c.work.Wait()
	}()
	c.work.Go(func() { c.tellSource(ctx, changed) })
	for {
		var req protocol.Request
		if err := c.in.Read(&req); err != nil {
			c.explain(ctx, err)
			return
		}
		c.handle(ctx, &req)
	}
}

// explain logs why reading ended and, if the other side sent what cannot be read, tells it.
func (c *conn) explain(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	c.bus.log.Warn("a consumer's connection ended", "consumer", c.hello.Name, "pid", c.hello.PID, "error", err)
	var netErr net.Error
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &netErr) {
		return
	}
	c.net.SetWriteDeadline(time.Now().Add(time.Second))
	c.out.Write(protocol.Response{Error: &eventcore.Error{
		Code: eventcore.CodeInternal, Message: "the bus cannot read a request: " + err.Error(),
		Hint: fmt.Sprintf("requests are one JSON object a line, at most %d bytes", protocol.MaxRequestLine),
	}})
}

// welcome takes the hello and answers it with, among others, the source's state; changed is closed when that is no
// longer true. If ok is false the connection is over.
func (c *conn) welcome(ctx context.Context) (changed <-chan struct{}, ok bool) {
	c.net.SetReadDeadline(time.Now().Add(helloTimeout))
	var req protocol.Request
	if err := c.in.Read(&req); err != nil {
		return nil, false
	}
	c.net.SetReadDeadline(time.Time{})
	if c.bus.life.Err() != nil {
		return nil, false // a consumer that was told of the end must not take this for another bus
	}
	if req.Hello == nil {
		c.out.Write(protocol.Response{ID: req.ID, Error: &eventcore.Error{
			Code: eventcore.CodeInternal, Message: "the first request must be a hello",
		}})
		return nil, false
	}
	c.hello = *req.Hello
	if err := c.bus.admit(&c.hello); err != nil {
		if !errors.Is(err, errRefused) {
			c.out.Write(protocol.Response{ID: req.ID, Error: eventcore.AsError(err)})
		}
		return nil, false
	}
	c.admit()
	state, changed := c.bus.source.get()
	err := c.out.Write(protocol.Response{ID: req.ID, Welcome: &protocol.Welcome{
		Version: protocol.Version, PID: c.bus.pid(), Binary: c.bus.opts.Binary, Journal: c.bus.journal.ID(),
		Head: c.bus.recent.headPosition(), Source: state, Capabilities: []string{protocol.CapabilityRetry},
	}})
	return changed, err == nil
}

// tellSource sends the source's state at each change, the first of which closes changed.
func (c *conn) tellSource(ctx context.Context, changed <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		changed = c.tellState(0)
	}
}

// tellState tells the source's state, in answer to a request if id is set; changed is closed when it is not true any
// more.
func (c *conn) tellState(id uint64) (changed <-chan struct{}) {
	c.telling.Lock()
	defer c.telling.Unlock()
	state, changed := c.bus.source.get()
	c.reply(protocol.Response{ID: id, Source: &state})
	return changed
}

// begin notes a request under way and returns its context; the error is that there are too many, or that its id is in
// use.
func (c *conn) begin(ctx context.Context, id uint64) (reqCtx context.Context, end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, used := c.pending[id]; used {
		return nil, nil, tooManyRequests(fmt.Sprintf("request %d is under way already", id))
	}
	if len(c.pending) >= protocol.MaxPending {
		return nil, nil, tooManyRequests(fmt.Sprintf("%d requests of this connection are under way, the most at once", protocol.MaxPending))
	}
	if c.bus.requests.Add(1) > maxRequests && len(c.pending) >= fewRequests {
		c.bus.requests.Add(-1)
		return nil, nil, tooManyRequests(fmt.Sprintf("%d requests of all consumers are under way, the most at once", maxRequests))
	}
	reqCtx, cancel := context.WithCancel(ctx)
	c.pending[id] = cancel
	return reqCtx, func() {
		cancel()
		c.bus.requests.Add(-1)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pending, id)
	}, nil
}

func tooManyRequests(problem string) error {
	return &eventcore.Error{Code: eventcore.CodeLimitReached, Message: problem, Hint: "wait for answers before asking again"}
}

// cancel ends a request early; an id that is not under way is ignored.
func (c *conn) cancel(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel, ok := c.pending[id]; ok {
		cancel()
	}
}
