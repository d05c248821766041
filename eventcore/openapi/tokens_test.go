package openapi

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestATokenIsUsedUntilShortlyBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held tokens
		if _, ok := held.current(); ok {
			t.Error("there is a token before one was kept")
		}
		held.keep("t-1", time.Hour)
		time.Sleep(time.Hour - tokenMargin - time.Second)
		if token, ok := held.current(); token != "t-1" || !ok {
			t.Error("the token is not used while it is good")
		}
		time.Sleep(time.Second)
		if _, ok := held.current(); ok {
			t.Errorf("the token is used within %v of its end", tokenMargin)
		}
		held.keep("t-2", time.Minute) // shorter than the margin
		if _, ok := held.current(); !ok {
			t.Error("a short-lived token is not used at all")
		}
		held.discard("t-1")
		if _, ok := held.current(); !ok {
			t.Error("discarding an old token discarded the new one")
		}
		held.discard("t-2")
		if _, ok := held.current(); ok {
			t.Error("a discarded token is still used")
		}
	})
}

func TestWaitingForAnothersTokenCanBeCancelled(t *testing.T) {
	a := New(Options{AppID: "cli_1", AppSecret: "s"})
	a.tokens.fetching <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.tenantToken(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestRetriesBackOffAndHeedTheLimit(t *testing.T) {
	a := New(Options{})
	a.random = func(n int64) int64 { return n }
	limited := answer{status: http.StatusTooManyRequests, header: http.Header{"X-Ogw-Ratelimit-Reset": {"7"}, "Retry-After": {"9"}}}
	if wait, again := a.shouldRetry(call{}, limited, nil, 1); wait != 7*time.Second || !again {
		t.Errorf("after a rate limit: %v, %v, want the 7 s that the platform named", wait, again)
	}
	limited.header = http.Header{"Retry-After": {"nonsense"}}
	if wait, again := a.shouldRetry(call{}, limited, nil, 1); wait != 2*firstBackoff || !again {
		t.Errorf("after a rate limit without a time: %v, %v, want the usual wait", wait, again)
	}
	for attempt := 1; attempt < maxAttempts; attempt++ {
		if wait, again := a.shouldRetry(call{repeatable: true}, answer{status: 500}, nil, attempt); wait != firstBackoff<<attempt || !again {
			t.Errorf("attempt %d: %v, %v, want at most %v", attempt, wait, again, firstBackoff<<attempt)
		}
	}
	if _, again := a.shouldRetry(call{repeatable: true}, answer{status: 500}, nil, maxAttempts); again {
		t.Error("tried again after the last attempt")
	}
}
