package bus

import "sync"

// waiters are the fetches that wait, by the event types they wait for, so that an event costs nothing to those
// who wait for something else.
type waiters struct {
	mu     sync.Mutex
	byType map[string]map[*waiter]struct{}
}

// waiter is one waiting fetch. C has room for one token; a token means that there may be something to read.
type waiter struct {
	C     chan struct{}
	types []string
}

// anyType is where fetches of all types wait.
const anyType = ""

func newWaiters() *waiters { return &waiters{byType: map[string]map[*waiter]struct{}{}} }

// add registers a fetch; none of types means all.
func (w *waiters) add(types []string) *waiter {
	if len(types) == 0 {
		types = []string{anyType}
	}
	one := &waiter{C: make(chan struct{}, 1), types: types}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, eventType := range types {
		if w.byType[eventType] == nil {
			w.byType[eventType] = map[*waiter]struct{}{}
		}
		w.byType[eventType][one] = struct{}{}
	}
	return one
}

// remove takes a fetch out again.
func (w *waiters) remove(one *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, eventType := range one.types {
		delete(w.byType[eventType], one)
		if len(w.byType[eventType]) == 0 {
			delete(w.byType, eventType)
		}
	}
}

// wake wakes those who wait for the types of these events. It never blocks.
func (w *waiters) wake(items []recentItem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	woken := map[string]bool{}
	for _, item := range items {
		for _, eventType := range [...]string{item.eventType, anyType} {
			if woken[eventType] {
				continue
			}
			woken[eventType] = true
			for one := range w.byType[eventType] {
				select {
				case one.C <- struct{}{}:
				default:
				}
			}
		}
	}
}
