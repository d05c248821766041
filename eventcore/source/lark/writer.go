package lark

import (
	"context"
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// writeTimeout is how long the peer may take to accept what is written.
const writeTimeout = 10 * time.Second

// write sends answers and pings until a write fails or ctx ends. At the end of ctx it sends the answers that are
// ready, so that the platform does not deliver again what is stored, and says goodbye.
func (c *connection) write(ctx context.Context, interval time.Duration) error {
	// The first ping goes out at once: its pong brings the configuration and proves the way back.
	ping := time.NewTimer(0)
	defer ping.Stop()
	overdue := time.NewTimer(time.Hour)
	overdue.Stop()
	defer overdue.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			c.leave()
			return ctx.Err()
		case d := <-c.answers:
			err = c.writeAnswers(d, writeTimeout)
		case <-ping.C:
			err = c.writePing()
			ping.Reset(interval)
		case tuned := <-c.tuned:
			interval = tuned.ping
			ping.Reset(interval)
		case <-c.pending.wake:
			overdue.Reset(answerWithin)
		case <-overdue.C:
			if wait := c.pending.expire(time.Now()); wait > 0 {
				overdue.Reset(wait)
			}
		}
		if err != nil {
			return fmt.Errorf("write to the connection: %w", err)
		}
	}
}

// writeAnswers sends d and every answer that is ready, in one go.
func (c *connection) writeAnswers(d *delivery, timeout time.Duration) error {
	c.wire.hold()
	c.socket.SetWriteDeadline(time.Now().Add(timeout))
	var encoded []byte
	var err error
	for d != nil && err == nil {
		<-c.slots
		encoded = d.appendTo(encoded[:0], time.Now())
		err = c.socket.WriteMessage(websocket.BinaryMessage, encoded)
		select {
		case d = <-c.answers:
		default:
			d = nil
		}
	}
	if flushErr := c.wire.release(timeout); err == nil {
		err = flushErr
	}
	return err
}

func (c *connection) writePing() error {
	c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.socket.WriteMessage(websocket.BinaryMessage, frame.Ping(c.service).Marshal())
}

// leave sends what is ready and a close message, as far as the peer takes them within farewell.
func (c *connection) leave() {
	select {
	case d := <-c.answers:
		if c.writeAnswers(d, farewell) != nil {
			return
		}
	default:
	}
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	c.socket.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(farewell))
}
