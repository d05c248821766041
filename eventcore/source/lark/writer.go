package lark

import (
	"context"
	"fmt"
	"net/http"
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
	watch := watchSleep(c.sleep.clocks)
	look := time.NewTicker(c.sleep.look)
	defer look.Stop()
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
		case <-look.C:
			if slept := watch.slept(); slept > 0 {
				c.log.Info("the machine slept; asking whether the connection survived it", "slept", slept.Round(time.Second))
				err = c.probe(ctx)
				ping.Reset(interval)
			}
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
	c.taken = c.taken[:0]
	var encoded []byte
	var err error
	for d != nil && err == nil {
		<-c.slots
		encoded = d.appendTo(encoded[:0], time.Now())
		err = c.socket.WriteMessage(websocket.BinaryMessage, encoded)
		if d.code == http.StatusOK {
			c.taken = append(c.taken, d.arrived)
		}
		select {
		case d = <-c.answers:
		default:
			d = nil
		}
	}
	if flushErr := c.wire.release(timeout); err == nil {
		err = flushErr
	}
	if err != nil {
		return err
	}
	now := time.Now()
	for _, arrived := range c.taken {
		c.sink.Acknowledged(now.Sub(arrived))
	}
	return nil
}

func (c *connection) writePing() error {
	c.socket.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.socket.WriteMessage(websocket.BinaryMessage, frame.Ping(c.service).Marshal())
}

// probe pings, and has the reader wait for the answer for a short while only.
func (c *connection) probe(ctx context.Context) error {
	c.woken.Store(true)
	// Before the ping, so that it cannot undo what the reader sets when it hears the answer.
	if err := c.wire.SetReadDeadline(time.Now().Add(c.sleep.answer)); err != nil {
		return err
	}
	if ctx.Err() != nil { // at whose end it was set to the past, which must stay so
		return c.wire.SetReadDeadline(time.Unix(1, 0))
	}
	return c.writePing()
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
