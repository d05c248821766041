package larksim

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// conn is one long connection, seen from the platform. Frames to send gather in a buffer, which a goroutine of its
// own writes as one: that is what makes the platform faster than what it measures.
type conn struct {
	id     string
	socket *websocket.Conn

	mu     sync.Mutex
	buffer []byte
	silent bool

	wake   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newConn(id string, socket *websocket.Conn) *conn {
	return &conn{id: id, socket: socket, wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.closed)
		c.socket.Close()
	})
}

// silence makes the connection half-open: nothing is read, nothing is sent, and TCP stays open.
func (c *conn) silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = true
	c.buffer = nil
	_ = c.socket.UnderlyingConn().SetReadDeadline(time.Unix(1, 0)) // ends the read under way
}

func (c *conn) isSilent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent
}

// send queues one binary message, whose bytes, size of them, fill appends.
func (c *conn) send(size int, fill func([]byte) []byte) {
	c.put(func(to []byte) []byte { return fill(appendMessageHeader(to, size)) })
}

// put queues the bytes that fill appends.
func (c *conn) put(fill func([]byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silent {
		return
	}
	c.buffer = fill(c.buffer)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) sendFrame(f *frame.Frame) { c.send(f.Size(), f.Append) }

// appendMessageHeader appends the header of a final, unmasked binary message (RFC 6455, section 5.2).
func appendMessageHeader(to []byte, size int) []byte {
	const finalBinary = 0x82
	switch {
	case size < 126:
		return append(to, finalBinary, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(to, finalBinary, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(to, finalBinary, 127), uint64(size))
}

// write sends what gathers until the connection is closed.
func (c *conn) write() {
	var sending []byte
	for {
		select {
		case <-c.closed:
			return
		case <-c.wake:
		}
		c.mu.Lock()
		sending, c.buffer = c.buffer, sending[:0]
		c.mu.Unlock()
		out := c.socket.UnderlyingConn()
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := out.Write(sending); err != nil {
			c.close()
			return
		}
	}
}

// runConn serves a connection until it is lost or closed.
func (p *Platform) runConn(c *conn) {
	var writer sync.WaitGroup
	writer.Go(c.write)
	p.mu.Lock()
	if p.isClosing() {
		c.close()
	}
	p.live = append(p.live, c)
	p.counts.Opened++
	p.counts.MostOpen = max(p.counts.MostOpen, p.openAtBothEnds())
	p.changed.Broadcast()
	p.mu.Unlock()

	p.read(c)
	if c.isSilent() {
		<-c.closed
	}
	c.close()
	writer.Wait()
	p.mu.Lock()
	p.live = slices.DeleteFunc(p.live, func(other *conn) bool { return other == c })
	p.changed.Broadcast()
	p.mu.Unlock()
}

// openAtBothEnds is how many connections are open at both ends. Of one whose other end has gone, all that it sent is read
// before that is noticed, while the next one may be there. p.mu must be held.
func (p *Platform) openAtBothEnds() (n int) {
	for _, c := range p.live {
		if !peerGone(c.socket.UnderlyingConn()) {
			n++
		}
	}
	return n
}

// read takes pings and answers until the connection is lost or silent.
func (p *Platform) read(c *conn) {
	for {
		kind, message, err := c.socket.ReadMessage()
		if err != nil || c.isSilent() {
			return
		}
		var f frame.Frame
		if kind != websocket.BinaryMessage || f.Unmarshal(message) != nil {
			continue
		}
		switch {
		case f.Method == frame.MethodData:
			p.answered(f.Headers.Get(frame.HeaderMessageID), responseCode(f.Payload))
		case f.Headers.Get(frame.HeaderType) == frame.TypePing:
			c.sendFrame(p.pong(f.Service))
		}
	}
}

// pong answers a ping, with the configuration if it has changed since the start.
func (p *Platform) pong(service int32) *frame.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Pings++
	p.changed.Broadcast()
	pong := frame.Pong(service)
	if p.retuned {
		pong.Payload, _ = json.Marshal(p.config) // cannot fail: four numbers
	}
	return pong
}

// responseCode is the code in an answer's payload; -1 if there is none.
func responseCode(payload []byte) int {
	if string(payload) == frame.AnswerTaken {
		return http.StatusOK // the usual answer, without the cost of parsing it
	}
	response := struct {
		Code *int `json:"code"`
	}{}
	if json.Unmarshal(payload, &response) != nil || response.Code == nil {
		return -1
	}
	return *response.Code
}
