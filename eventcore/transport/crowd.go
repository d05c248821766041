package transport

import (
	"container/list"
	"net"
	"sync"
	"time"
)

// refusalTime is how long a connection beyond the limit has to take the refusal.
const refusalTime = time.Second

// Limits are those of a [Crowd].
type Limits struct {
	// Open is how many connections may be open. One more is told Refusal and closed.
	Open int
	// Strangers is how many of them may be such as were not admitted. One more, or one more than Open, takes the place of
	// the oldest of those, which is closed: who is slow to say who it is does not keep out who is quick.
	Strangers int
	// Refusal is what a connection beyond Open is told; it should fit into what the system buffers.
	Refusal []byte
}

// Crowd is a listener of which a bounded number of connections is open at any time. What Accept returns is a [*Guest].
type Crowd struct {
	net.Listener
	limits Limits

	mu        sync.Mutex
	open      int
	strangers *list.List // of *Guest, oldest first
}

// Limit bounds the connections of a listener.
func Limit(listener net.Listener, limits Limits) *Crowd {
	return &Crowd{Listener: listener, limits: limits, strangers: list.New()}
}

// Accept waits for the next connection that may be open.
func (c *Crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		guest := &Guest{Conn: conn, crowd: c}
		if oldest, ok := c.enter(guest); ok {
			if oldest != nil {
				oldest.Close()
			}
			return guest, nil
		}
		// The error is that the other side has gone.
		_ = conn.SetWriteDeadline(time.Now().Add(refusalTime))
		_, _ = conn.Write(c.limits.Refusal)
		conn.Close()
	}
}

// enter lets a connection in, in place of the oldest stranger if there are too many.
func (c *Crowd) enter(guest *Guest) (oldest *Guest, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	full := c.open >= c.limits.Open
	switch first := c.strangers.Front(); {
	case first != nil && (full || c.strangers.Len() >= c.limits.Strangers):
		oldest = first.Value.(*Guest)
	case full:
		return nil, false
	}
	guest.stranger = c.strangers.PushBack(guest)
	c.open++
	return oldest, true
}

// Guest is one of the connections.
type Guest struct {
	net.Conn
	crowd    *Crowd
	stranger *list.Element // nil once it was admitted; guarded by the crowd's mu
	once     sync.Once
}

// Admit says that the other side has said who it is.
func (g *Guest) Admit() {
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	g.noStranger()
}

// noStranger takes the guest off the strangers, with mu held.
func (g *Guest) noStranger() {
	if g.stranger != nil {
		g.crowd.strangers.Remove(g.stranger)
		g.stranger = nil
	}
}

// Close closes the connection and makes room for another.
func (g *Guest) Close() error {
	g.once.Do(func() {
		g.crowd.mu.Lock()
		defer g.crowd.mu.Unlock()
		g.noStranger()
		g.crowd.open--
	})
	return g.Conn.Close()
}
