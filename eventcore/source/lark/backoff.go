package lark

import (
	"context"
	"time"
)

const (
	// firstWait bounds the wait before the first attempt; each further one doubles the bound.
	firstWait = time.Second
	// shortestWait keeps the jitter from making attempts without a pause.
	shortestWait = 50 * time.Millisecond
	// livedLongEnough is how long a connection must have been open for the waits to start over. A platform that
	// accepts and drops at once is not asked ever faster.
	livedLongEnough = 10 * time.Second
)

// backoff computes the waits between attempts: random between zero and a bound that doubles from firstWait to
// limit ("full jitter"), so that many clients that lost their connections together do not return together.
type backoff struct {
	// limit is the longest wait; at least firstWait.
	limit time.Duration
	// random returns a number in [0, n).
	random   func(n int64) int64
	failures int
}

// next is how long to wait after one more failure.
func (b *backoff) next() time.Duration {
	bound := b.limit
	if b.failures < 30 && firstWait<<b.failures < b.limit {
		bound = firstWait << b.failures
	}
	b.failures++
	return max(shortestWait, time.Duration(b.random(int64(bound))))
}

// slow is a wait near the limit, for refusals that only time can heal.
func (b *backoff) slow() time.Duration {
	return b.limit/2 + time.Duration(b.random(int64(b.limit/2)))
}

func (b *backoff) reset() { b.failures = 0 }

// sleep waits for d, or returns ctx's error if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
