package mcp

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

const (
	// maxConnections is how many may be open. Those that have not brought a request that is served, which needs a token
	// where there are tokens, make room for others.
	maxConnections = 4096
	// maxPrincipalRequests bounds the requests and streams of one principal, so that others find room.
	maxPrincipalRequests = 2048
	// maxLarge is how many messages of more than smallBody bytes are read and answered at once. Read, a message takes up
	// to twenty times its size.
	maxLarge, smallBody = 16, 64 << 10
)

// tooManyConnections is what a connection is told for which there is no room.
const tooManyConnections = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
	"The server has its fill of connections. Close some, or try again.\n"

func limitConnections(listener net.Listener) net.Listener {
	return transport.Limit(listener, transport.Limits{Open: maxConnections, Refusal: []byte(tooManyConnections)})
}

type guestKey struct{}

// withGuest remembers the connection of a request.
func withGuest(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, conn)
}

// admitConnection says that a request's connection is that of a client who may connect.
func admitConnection(ctx context.Context) {
	if guest, ok := ctx.Value(guestKey{}).(*transport.Guest); ok {
		guest.Admit()
	}
}

// httpCrowd counts what is under way. Its methods may be called from many goroutines at once.
type httpCrowd struct {
	large chan struct{}

	mu       sync.Mutex
	requests map[string]int // by principal
}

func newHTTPCrowd() *httpCrowd {
	return &httpCrowd{large: make(chan struct{}, maxLarge), requests: map[string]int{}}
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
		if c.requests[principal]--; c.requests[principal] == 0 {
			delete(c.requests, principal)
		}
	}, nil
}

// enterLarge lets in a large message, until leave, if there is room.
func (c *httpCrowd) enterLarge() (leave func(), ok bool) {
	select {
	case c.large <- struct{}{}:
		return func() { <-c.large }, true
	default:
		return nil, false
	}
}
