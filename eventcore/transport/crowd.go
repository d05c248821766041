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
	// Open is how many connections may be open. One more takes the place of the oldest that was not admitted, so that
	// who is slow to say who it is does not keep out who is quick; if all were, it has no place itself.
	Open int
	// Refusal is what a connection is told that has no place, before it is closed; it should fit into what the system buffers.
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
				oldest.refuse()
			}
			return guest, nil
		}
		guest.refuse()
	}
}

// refuse tells why the connection is closed, and closes it.
func (g *Guest) refuse() {
	// The errors are that the other side has gone.
	_ = g.SetWriteDeadline(time.Now().Add(refusalTime))
	_, _ = g.Write(g.crowd.limits.Refusal)
	g.Close()
}

// enter lets a connection in, in place of the oldest stranger if there is no room.
func (c *Crowd) enter(guest *Guest) (oldest *Guest, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.limits.Open {
		first := c.strangers.Front()
		if first == nil {
			return nil, false
		}
		oldest = first.Value.(*Guest)
	}
	guest.stranger = c.strangers.PushBack(guest)
	guest.entered = true
	c.open++
	return oldest, true
}

// Guest is one of the connections.
type Guest struct {
	net.Conn
	crowd    *Crowd
	stranger *list.Element // nil once it was admitted; guarded by the crowd's mu
	entered  bool          // it was let in
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
		if g.entered {
			g.crowd.open--
		}
	})
	return g.Conn.Close()
}
