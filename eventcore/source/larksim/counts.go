package larksim

import "context"

// Counts are what has happened since the start.
type Counts struct {
	Bootstraps  int // requests for an endpoint
	Handshakes  int // WebSocket handshakes, refused ones too
	Opened      int // connections opened
	MostOpen    int // connections that were open at once, at most
	Pings       int // pings received
	Sent        int // events given to Send and its kin
	Delivered   int // attempts put on a connection
	Acked       int // answers with code 200
	Refused     int // answers with another code
	TimedOut    int // attempts without an answer in time
	Unreachable int // attempts with no connection open
	Redelivered int // attempts after the first of an event
	GaveUp      int // events given up after the last attempt
	StrayAcks   int // answers to nothing that awaits one, such as a second answer
}

// Counts returns the counts.
func (p *Platform) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// AwaitCounts blocks until the counts satisfy done, or returns ctx's error.
func (p *Platform) AwaitCounts(ctx context.Context, done func(Counts) bool) error {
	return p.await(ctx, func() bool { return done(p.counts) })
}

// Connections is how many connections are open.
func (p *Platform) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live)
}

// AwaitConnections blocks until exactly n connections are open, or returns ctx's error.
func (p *Platform) AwaitConnections(ctx context.Context, n int) error {
	return p.await(ctx, func() bool { return len(p.live) == n })
}
