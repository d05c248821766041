package transport

import (
	"container/list"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// refusalTime is how long a connection beyond the limit has to take the refusal.
const refusalTime = time.Second

// Limits are those of a [Crowd].
type Limits struct {
	// Open is how many connections may be open. One more takes the place of the one that has been a stranger for longest,
	// so that who is slow to say who it is, or has nothing to ask any more, does not keep out who is quick; if there is no
	// stranger, it has no place itself.
	Open int
	// Refusal is what a connection is told that has no place, before it is closed; it should fit into what the system
	// buffers. One that was admitted, or told something, before is closed without it: it might take the refusal for the
	// answer to its next question, or read nothing and hold up those who come after it.
	Refusal []byte
}

// Crowd is a listener of which a bounded number of connections is open at any time. What Accept returns is a [*Guest].
type Crowd struct {
	net.Listener
	limits Limits

	mu        sync.Mutex
	open      int
	strangers *list.List // of *Guest, the one first that has been a stranger for longest
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
		leaving := c.enter(guest)
		if leaving != nil {
			leaving.refuse()
		}
		if leaving != guest {
			return guest, nil
		}
	}
}

// refuse closes the connection, and says why if it was told nothing yet, nor will be.
func (g *Guest) refuse() {
	if refusal := g.crowd.limits.Refusal; len(refusal) > 0 && g.standing.Load() == refused {
		// The errors are that the other side has gone.
		_ = g.SetWriteDeadline(time.Now().Add(refusalTime))
		_, _ = g.Conn.Write(refusal)
	}
	g.Close()
}

// enter lets a connection in, and returns who has to leave for it: nobody, a stranger, or the connection itself.
func (c *Crowd) enter(guest *Guest) (leaving *Guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.limits.Open {
		first := c.strangers.Front()
		if first == nil {
			guest.standing.Store(refused)
			return guest
		}
		leaving = first.Value.(*Guest)
		leaving.standing.CompareAndSwap(unknown, refused)
		leaving.leave()
	}
	guest.stranger = c.strangers.PushBack(guest)
	guest.entered = true
	c.open++
	return leaving
}

// How a guest stands, which changes once.
const (
	unknown = iota // neither of the others
	known          // it was admitted, or told something
	refused        // it has no place, and is told nothing but that
)

// Guest is one of the connections, a stranger at first. Its methods may be called from many goroutines.
type Guest struct {
	net.Conn
	crowd    *Crowd
	standing atomic.Int32

	// The crowd's mu guards these.
	stranger *list.Element // nil if it is none
	entered  bool          // it has a place
}

// Admit says that the other side has said who it is, and asks for something: it is no stranger until Dismiss.
func (g *Guest) Admit() {
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	g.standing.CompareAndSwap(unknown, known)
	g.noStranger()
}

// Dismiss takes Admit back: the other side has all that it asked for.
func (g *Guest) Dismiss() {
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	if g.entered && g.stranger == nil {
		g.stranger = g.crowd.strangers.PushBack(g)
	}
}

// Write implements [net.Conn]. To one that has lost its place it writes nothing.
func (g *Guest) Write(text []byte) (int, error) {
	if g.standing.Load() != known && !g.standing.CompareAndSwap(unknown, known) && g.standing.Load() == refused {
		return 0, net.ErrClosed
	}
	return g.Conn.Write(text)
}

// noStranger takes the guest off the strangers, with mu held.
func (g *Guest) noStranger() {
	if g.stranger != nil {
		g.crowd.strangers.Remove(g.stranger)
		g.stranger = nil
	}
}

// leave makes room for another, once, with mu held.
func (g *Guest) leave() {
	g.noStranger()
	if g.entered {
		g.entered = false
		g.crowd.open--
	}
}

// Close closes the connection and makes room for another.
func (g *Guest) Close() error {
	g.crowd.mu.Lock()
	g.leave()
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}
