package webhook

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	// verifiedTime is how long an endpoint counts as verified after the last subscription was granted on it. No finite
	// grant is longer.
	verifiedTime = maxTTL
	// A host that fails this many verifications within failureTime, those under way included, gets no more until that has
	// passed: somebody may be using this server to pester it.
	maxFailures = 10
	failureTime = time.Minute
)

// target is an endpoint as one principal uses it. One principal's verification counts for no other.
type target struct{ principal, url string }

// verifier knows which endpoints have proved that they want deliveries.
type verifier struct {
	poster *poster
	log    *slog.Logger
	// one lets one verification of a target run at a time; those who wait for it need none of their own.
	one *slots

	mu       sync.Mutex
	verified map[target]time.Time   // until when
	failures map[string]*hostFailed // by host
}

type hostFailed struct {
	count int
	since time.Time
}

func newVerifier(p *poster, log *slog.Logger) *verifier {
	return &verifier{
		poster: p, log: log, one: newSlots(1), verified: map[target]time.Time{}, failures: map[string]*hostFailed{},
	}
}

// verify returns nil if the endpoint is verified for the principal, now or before, else an [*Error]. known says that a
// subscription of the target exists, which is proof enough.
func (v *verifier) verify(ctx context.Context, who target, e envelope, known bool) error {
	release, err := v.one.acquire(ctx, who.principal+" "+who.url)
	if err != nil {
		return err
	}
	defer release()
	if known || v.isVerified(who) {
		v.remember(who)
		return nil
	}
	takeBack, err := v.admit(e.to.host)
	if err != nil {
		return err
	}
	reason, err := v.challenge(ctx, e)
	switch {
	case err == nil && reason == "":
		takeBack()
		v.remember(who)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	v.log.Info("a webhook endpoint was not verified", "host", e.to.host, "reason", reason, "error", err)
	return unreachable(reason)
}

// challenge sends a challenge and returns an empty reason if it comes back.
func (v *verifier) challenge(ctx context.Context, e envelope) (Reason, error) {
	release, err := v.poster.hosts.acquire(ctx, e.to.host)
	if err != nil {
		return ReasonTimeout, err
	}
	defer release()
	sent := rand.Text()
	e.id = controlID(typeVerification)
	if e.body, err = encode(control{Type: typeVerification, Challenge: sent}); err != nil {
		return ReasonChallenge, err
	}
	status, text, err := v.poster.post(ctx, e, true)
	if err != nil || !success(status) {
		return reasonFor(status, err), err
	}
	var answer struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(text, &answer) != nil || subtle.ConstantTimeCompare([]byte(answer.Challenge), []byte(sent)) != 1 {
		return ReasonChallenge, nil
	}
	return "", nil
}

func (v *verifier) isVerified(who target) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return time.Now().Before(v.verified[who])
}

func (v *verifier) remember(who target) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(v.verified, func(_ target, until time.Time) bool { return !now.Before(until) })
	v.verified[who] = now.Add(verifiedTime)
}

// forget makes the next subscription ask the endpoint again.
func (v *verifier) forget(who target) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.verified, who)
}

// admit refuses a host that failed too often lately. Else it counts a failure, which the caller takes back if there was
// none: one that is cut off before the answer has pestered the host as well.
func (v *verifier) admit(host string) (takeBack func(), err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(v.failures, func(_ string, f *hostFailed) bool { return now.Sub(f.since) >= failureTime })
	f := v.failures[host]
	if f == nil {
		f = &hostFailed{since: now}
		v.failures[host] = f
	}
	if f.count >= maxFailures {
		return nil, exhausted("verifications", maxFailures, "too many verifications of the host of delivery.url are under way or failed "+
			"within a minute; try again in a minute, when it answers them")
	}
	f.count++
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		f.count--
	}, nil
}
