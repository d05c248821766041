package consume

import (
	"context"
	"sync"
	"time"
)

// processTimeout bounds one call of Process, lookups included.
const processTimeout = 20 * time.Second

// patience is the context of one call of Process. It ends like a context with processTimeout, but has a timer only once
// somebody waits for its end: most calls look up nothing.
type patience struct {
	context.Context
	deadline time.Time

	mu     sync.Mutex
	timed  context.Context // nil until it is needed
	cancel context.CancelFunc
	ended  bool
}

func newPatience(parent context.Context) *patience {
	p := &patience{Context: parent, deadline: time.Now().Add(processTimeout)}
	if earlier, ok := parent.Deadline(); ok && earlier.Before(p.deadline) {
		p.deadline = earlier
	}
	return p
}

// Deadline implements context.Context.
func (p *patience) Deadline() (time.Time, bool) { return p.deadline, true }

// Done implements context.Context.
func (p *patience) Done() <-chan struct{} { return p.start().Done() }

// Err implements context.Context.
func (p *patience) Err() error { return p.start().Err() }

func (p *patience) start() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timed == nil {
		p.timed, p.cancel = context.WithDeadline(p.Context, p.deadline)
		if p.ended {
			p.cancel()
		}
	}
	return p.timed
}

// end frees what the context holds, and ends it if somebody still waits for it.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.timed != nil {
		p.cancel()
	}
}
