package webhook

import (
	"context"
	"sync"
)

// slots lets a bounded number of holders in for each name, in the order in which they came.
type slots struct {
	limit int

	mu    sync.Mutex
	names map[string]*slotsOf
}

// slotsOf are those of one name; users counts those who hold one or wait for one.
type slotsOf struct {
	free  chan struct{}
	users int
}

func newSlots(limit int) *slots { return &slots{limit: limit, names: map[string]*slotsOf{}} }

// acquire waits for a slot. The caller calls release once, if err is nil.
func (s *slots) acquire(ctx context.Context, name string) (release func(), err error) {
	s.mu.Lock()
	of := s.names[name]
	if of == nil {
		of = &slotsOf{free: make(chan struct{}, s.limit)}
		s.names[name] = of
	}
	of.users++
	s.mu.Unlock()
	select {
	case of.free <- struct{}{}:
		return func() {
			<-of.free
			s.leave(name, of)
		}, nil
	case <-ctx.Done():
		s.leave(name, of)
		return nil, ctx.Err()
	}
}

func (s *slots) leave(name string, of *slotsOf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of.users--; of.users == 0 {
		delete(s.names, name)
	}
}
