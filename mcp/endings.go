package mcp

import (
	"context"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// endings keep a call from being given a subscription that another call is ending, or has just ended: a consumer that
// is asked for the same again returns what it has, and may have it no longer by the time it is entered in the session.
type endings struct {
	mu     sync.Mutex
	making int // calls that may hold a subscription they have not entered yet
	// ended are the subscriptions that such a call must not enter; each channel is closed when the ending is over.
	ended map[*consume.Subscription]chan struct{}
}

func newEndings() *endings { return &endings{ended: map[*consume.Subscription]chan struct{}{}} }

// begin says that the caller is about to ask a consumer for a subscription. It calls release when it is done with that.
func (e *endings) begin() (release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.making++
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.making--
		e.forget()
	}
}

// enter runs add, unless the subscription is ending or has ended: then it waits for the end, and returns false, or
// ctx's error if ctx ends first.
func (e *endings) enter(ctx context.Context, made *consume.Subscription, add func()) (bool, error) {
	e.mu.Lock()
	over, ending := e.ended[made]
	if !ending {
		add()
	}
	e.mu.Unlock()
	if !ending {
		return true, nil
	}
	select {
	case <-over:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// end runs remove, which takes the subscription to end out of the session and returns it. The caller calls over when
// the consumer has ended it; an error of remove is returned, and nothing is to be done then.
func (e *endings) end(remove func() (*consume.Subscription, error)) (over func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	made, err := remove()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	e.ended[made] = done
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		close(done)
		e.forget()
	}, nil
}

// forget drops the subscriptions that nobody can be about to enter any more.
func (e *endings) forget() {
	if e.making > 0 {
		return
	}
	for made, over := range e.ended {
		select {
		case <-over:
			delete(e.ended, made)
		default:
		}
	}
}
