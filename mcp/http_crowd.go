package mcp

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

const (
	// maxConnections is how many may be open. Those that have no request under way that is served, which needs a token
	// where there are tokens, make room for others.
	maxConnections = 4096
	// maxPrincipalRequests bounds the requests and streams of one principal, so that others find room.
	maxPrincipalRequests = 2048
	// maxLarge is how many messages of more than smallBody bytes are read and answered at once, maxPrincipalLarge how many
	// of one token's name. Read, a message takes up to twenty times its size until it is answered, so none of them may be
	// for a stream.
	maxLarge, maxPrincipalLarge, smallBody = 16, 4, 64 << 10
)

// tooManyConnections is what a connection is told for which there is no room.
const tooManyConnections = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
	"The server has its fill of connections. Close some, or try again.\n"

// limitConnections bounds those of a listener. A client that speaks TLS would not understand text.
func limitConnections(listener net.Listener, overTLS bool) net.Listener {
	limits := transport.Limits{Open: maxConnections}
	if !overTLS {
		limits.Refusal = []byte(tooManyConnections)
	}
	return transport.Limit(listener, limits)
}

type guestKey struct{}

// withGuest remembers the connection of a request.
func withGuest(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, guestOf(conn))
}

// guestOf returns what limitConnections made of a connection; nil if it is not one of those.
func guestOf(conn net.Conn) *transport.Guest {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	guest, _ := conn.(*transport.Guest)
	return guest
}

// admitConnection says that a request's connection is that of a client who may connect.
func admitConnection(ctx context.Context) {
	if guest, _ := ctx.Value(guestKey{}).(*transport.Guest); guest != nil {
		guest.Admit()
	}
}

// dismissIdle takes that back when the connection's last answer has been sent.
func dismissIdle(conn net.Conn, state http.ConnState) {
	if guest := guestOf(conn); guest != nil && state == http.StateIdle {
		guest.Dismiss()
	}
}

// httpCrowd counts what is under way. Its methods may be called from many goroutines at once.
type httpCrowd struct {
	mu       sync.Mutex
	requests map[string]int // by principal
	large    map[string]int // of them, those whose messages are large
	allLarge int
}

func newHTTPCrowd() *httpCrowd {
	return &httpCrowd{requests: map[string]int{}, large: map[string]int{}}
}

// enter lets in a request of a principal, until leave; the error is that there are too many.
func (c *httpCrowd) enter(principal string) (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests[principal] >= maxPrincipalRequests {
		return nil, fmt.Errorf("%d requests and streams are under way, the most at once; wait for some, or end them", maxPrincipalRequests)
	}
	c.requests[principal]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		countDown(c.requests, principal)
	}, nil
}

// enterLarge lets in a large message of a principal, until leave; the error is that there are too many. Who has no name
// is anyone, and may be all of them.
func (c *httpCrowd) enterLarge(principal string) (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const busy = "%d messages of more than %d bytes are being dealt with, the most at once%s; send it again"
	switch {
	case c.allLarge >= maxLarge:
		return nil, fmt.Errorf(busy, maxLarge, smallBody, "")
	case principal != "" && c.large[principal] >= maxPrincipalLarge:
		return nil, fmt.Errorf(busy, maxPrincipalLarge, smallBody, " of one token's name")
	}
	c.large[principal]++
	c.allLarge++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		countDown(c.large, principal)
		c.allLarge--
	}, nil
}

// countDown keeps no principal that has nothing under way.
func countDown(counts map[string]int, principal string) {
	if counts[principal]--; counts[principal] == 0 {
		delete(counts, principal)
	}
}
