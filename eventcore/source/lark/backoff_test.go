package lark

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitsDoubleUpToTheLimit(t *testing.T) {
	longest := func(n int64) int64 { return n - 1 }
	b := backoff{limit: 30 * time.Second, random: longest}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if got := b.next(); got != want*time.Second-1 {
			t.Errorf("wait %d is at most %v, want just below %v", i+1, got, want*time.Second)
		}
	}
	b.reset()
	if got := b.next(); got >= firstWait {
		t.Errorf("after a connection that lived the wait is %v, want below %v", got, firstWait)
	}
}

func TestWaitsStayWithinTheirBounds(t *testing.T) {
	for _, limit := range []time.Duration{leastReconnect, 7 * time.Second, defaultReconnect} {
		b := backoff{limit: limit, random: rand.Int64N}
		for i := range 1000 {
			if got := b.next(); got < shortestWait || got > limit {
				t.Fatalf("wait %d is %v, want %v to %v", i, got, shortestWait, limit)
			}
			if got := b.slow(); got < limit/2 || got > limit {
				t.Fatalf("slow wait %d is %v, want %v to %v", i, got, limit/2, limit)
			}
		}
	}
}

func TestSleepEndsWithItsTimeOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := sleep(t.Context(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("slept %v (%v), want a minute", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if err := sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("slept %v (%v), want a second", time.Since(began), err)
		}
	})
}
