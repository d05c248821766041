package lark

import (
	"net/http"
	"sync"
	"time"
)

// answerWithin is when a frame that is still with the sink is answered for it, so that the platform sends it
// again. The platform waits 3 s.
const answerWithin = 2500 * time.Millisecond

// pending holds the deliveries under way in order of arrival, which is the order of their deadlines. The reader
// adds; the writer expires, at a time it is told. It costs no timer and no goroutine per delivery.
type pending struct {
	mu    sync.Mutex
	queue []*delivery
	armed bool
	// wake tells the writer that there is a deadline to wait for.
	wake chan struct{}
}

func newPending() *pending { return &pending{wake: make(chan struct{}, 1)} }

func (p *pending) add(d *delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trim()
	p.queue = append(p.queue, d)
	if !p.armed {
		p.armed = true
		p.wake <- struct{}{}
	}
}

// expire answers what is overdue, and returns how long to wait before the next call; 0 means until woken.
func (p *pending) expire(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		p.trim()
		if len(p.queue) == 0 {
			p.armed = false
			return 0
		}
		if wait := p.queue[0].arrived.Add(answerWithin).Sub(now); wait > 0 {
			return wait
		}
		p.queue[0].answer(http.StatusInternalServerError)
	}
}

// trim forgets the answered ones at the head, so that the queue is no longer than what is under way.
func (p *pending) trim() {
	for len(p.queue) > 0 && p.queue[0].answered.Load() {
		p.queue[0] = nil
		p.queue = p.queue[1:]
	}
}
