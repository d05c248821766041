package mcp

import (
	"context"
	"sync"
)

// broadcast tells any number of waiting goroutines that something has changed.
type broadcast struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

func newBroadcast() *broadcast {
	b := &broadcast{}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// next returns a context that ends with the next change. Take it before looking at what may change, so that no
// change falls between looking and waiting.
func (b *broadcast) next() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ctx
}

// fire tells all who wait.
func (b *broadcast) fire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cancel()
	b.ctx, b.cancel = context.WithCancel(context.Background())
}

// endWithAny returns a child of ctx that ends with any of the others too. The function it returns releases it.
func endWithAny(ctx context.Context, others ...context.Context) (context.Context, context.CancelFunc) {
	child, cancel := context.WithCancel(ctx)
	stops := make([]func() bool, len(others))
	for i, other := range others {
		stops[i] = context.AfterFunc(other, cancel)
	}
	return child, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
