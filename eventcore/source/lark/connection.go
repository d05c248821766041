package lark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

const (
	maxMessage = 16 << 20 // bytes of one WebSocket message
	// maxUnderWay is how many frames may be unanswered before no more are read.
	maxUnderWay = 4096
	// keptBuffer is how large a read buffer may grow and be kept.
	keptBuffer = 1 << 20
	// farewell is how long the last answers may take to be sent when the context ends.
	farewell = time.Second
)

// connection is one open WebSocket. One goroutine reads and delivers, another writes answers and pings; there is
// none per event.
type connection struct {
	id      string
	service int32
	socket  *websocket.Conn
	wire    *wire
	sink    source.Sink
	sleep   sleepSettings
	log     *slog.Logger

	settings settings      // the reader's
	tuned    chan settings // from the reader to the writer: the latest change
	joiner   joiner        // the reader's
	pending  *pending
	// slots bounds the frames under way: the reader takes one for a frame, the writer returns it with the
	// answer. So answers always has room.
	slots   chan struct{}
	answers chan *delivery
	taken   []time.Time   // the writer's: when what it is acknowledging had arrived
	woken   atomic.Bool   // the machine slept, and no pong has come since
	frames  atomic.Uint64 // data frames that have arrived
}

func newConnection(
	socket *websocket.Conn, carrier *wire, at endpoint, sink source.Sink, sleep sleepSettings, log *slog.Logger,
) *connection {
	socket.SetReadLimit(maxMessage)
	return &connection{
		id: at.id, service: at.service, socket: socket, wire: carrier, sink: sink, sleep: sleep, log: log,
		settings: at.settings, tuned: make(chan settings, 1), pending: newPending(),
		slots: make(chan struct{}, maxUnderWay), answers: make(chan *delivery, maxUnderWay),
	}
}

// serve delivers until the connection is lost or ctx ends, and closes it. The error says how it ended. Answers of
// deliveries that are still under way then go nowhere; the platform sends those events again.
func (c *connection) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	unblock := context.AfterFunc(ctx, func() {
		// Ends a blocked read and, a moment later, a blocked write.
		c.wire.SetReadDeadline(time.Unix(1, 0))
		c.wire.SetWriteDeadline(time.Now().Add(farewell))
	})
	written := make(chan struct{})
	interval := c.settings.ping
	go func() {
		defer close(written)
		cancel(c.write(ctx, interval))
	}()
	cancel(c.read(ctx))
	<-written
	unblock()
	c.socket.Close()
	return context.Cause(ctx)
}

// read takes messages until the connection is lost or ctx ends.
func (c *connection) read(ctx context.Context) error {
	var buffer bytes.Buffer
	// The platform does not ping by WebSocket, a proxy on the way may.
	answerPing := c.socket.PingHandler()
	c.socket.SetPingHandler(func(data string) error {
		if err := c.heard(ctx); err != nil {
			return err
		}
		return answerPing(data)
	})
	for {
		if err := c.heard(ctx); err != nil {
			return err
		}
		kind, message, err := c.socket.NextReader()
		if err != nil {
			return c.lost(err)
		}
		buffer.Reset()
		if _, err := buffer.ReadFrom(message); err != nil {
			return c.lost(err)
		}
		if kind != websocket.BinaryMessage {
			c.log.Debug("message that is not binary ignored", "bytes", buffer.Len())
			continue
		}
		if err := c.handle(ctx, buffer.Bytes()); err != nil {
			return err
		}
		if buffer.Cap() > keptBuffer {
			buffer = bytes.Buffer{}
		}
	}
}

// heard moves the time by which something must arrive. The context is looked at after the deadline was set, so
// that the end of the context, which sets one in the past, is not overwritten unseen.
func (c *connection) heard(ctx context.Context) error {
	for {
		silence, woken := c.settings.silence(), c.woken.Load()
		if woken {
			silence = c.sleep.answer // until the pong: what else is read may have come before the sleep
		}
		if err := c.wire.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return c.lost(err)
		}
		if c.woken.Load() == woken {
			return ctx.Err()
		}
	}
}

// lost explains a read error.
func (c *connection) lost(err error) error {
	var closed *websocket.CloseError
	var network net.Error
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		what := fmt.Sprintf("a message was larger than the %d bytes accepted", maxMessage)
		c.sink.Malformed(what)
		return errors.New(what)
	case errors.As(err, &closed):
		return fmt.Errorf("the platform closed the connection (%d %s)", closed.Code, closed.Text)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		if c.woken.Load() {
			return fmt.Errorf("the connection did not survive the machine's sleep: no answer to a ping for %v", c.sleep.answer)
		}
		return fmt.Errorf("the connection went silent: nothing for %v, with a ping every %v",
			c.settings.silence(), c.settings.ping)
	}
	return fmt.Errorf("the connection broke: %w", err)
}
