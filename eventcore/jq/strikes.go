package jq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// maxStrikes is how many runs in a row are stopped until the expression is suspended, and suspendedFor how long that is.
	// It is not for good, because a busy machine makes honest ones late.
	maxStrikes   = 3
	suspendedFor = time.Minute
)

// ErrSuspended is returned in place of a run of an expression that was stopped in the sandbox several times in a row.
var ErrSuspended = fmt.Errorf("it is suspended for up to %s, because it took too long or too much memory on each of the last events", suspendedFor)

// strikes counts how often in a row an expression was stopped.
type strikes struct {
	mu    sync.Mutex
	n     int
	until time.Time // when it may run again; then one more strike suspends it again
}

// boxed has the sandbox run the expression, unless it is suspended.
func (p *Program) boxed(ctx context.Context, req request) (answer, error) {
	if p.strikes.suspended() {
		return answer{}, ErrSuspended
	}
	got, err := p.sandbox.run(ctx, req)
	if ctx.Err() == nil {
		p.strikes.note(err)
	}
	return got, err
}

func (s *strikes) suspended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.until)
}

// note takes down how a run ended.
func (s *strikes) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrMemory) {
		s.n = 0
		return
	}
	if s.n++; s.n >= maxStrikes {
		s.until = time.Now().Add(suspendedFor)
	}
}
