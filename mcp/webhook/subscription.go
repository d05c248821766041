package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const (
	// suspendTime of nothing but failures suspends deliveries. It is less than the tries of one event take, so that an
	// endpoint that is down costs no event, or one if it was the only one and cannot be told from a bad one.
	suspendTime = 6 * time.Hour
	// dropTime of nothing but failures ends a subscription without expiry: what it waits for is no longer retained.
	dropTime = 7 * 24 * time.Hour
)

// subscription is what is known of one subscription. Its courier delivers; refreshes and the store look on. The fields
// above mu do not change.
type subscription struct {
	id        string
	principal string
	name      string
	arguments json.RawMessage // canonical
	to        endpoint
	// poke wakes the courier after a refresh. cancel ends it, done is closed when it has ended.
	poke   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex
	given     json.RawMessage // the arguments of the last request, checked
	keys      keyring
	expires   time.Time // zero: never
	watermark eventcore.Cursor
	feed      Feed // nil until it is open
	status    DeliveryStatus
	// gap means that events were left out and the endpoint does not know yet.
	gap bool
	// resumed and probed are what a refresh asks of the courier.
	resumed, probed bool
	// ending means that the courier has decided to end.
	ending bool
}

// subscriptionID names a subscription by its key. It is no secret and gives no right.
func subscriptionID(principal, url, name string, arguments json.RawMessage) string {
	// The encoding of strings cannot fail.
	key, _ := json.Marshal([]string{principal, url, name, string(arguments)})
	sum := sha256.Sum256(key)
	return "sub_" + hex.EncodeToString(sum[:16])
}

func newSubscription(k key, req Request, to endpoint) *subscription {
	return &subscription{
		id: k.id, principal: req.Principal, name: req.Name, arguments: k.arguments, given: k.given, to: to,
		poke: make(chan struct{}, 1), done: make(chan struct{}), cancel: func() {},
		keys: keyring{Current: req.Secret}, status: DeliveryStatus{Active: true},
	}
}

// target returns the endpoint as the subscription's principal uses it.
func (s *subscription) target() target { return target{s.principal, s.to.url} }

// refresh renews the subscription and resumes its deliveries. ok is false if it is ending.
func (s *subscription) refresh(secret string, expires time.Time, given json.RawMessage) (grant Grant, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return Grant{}, false
	}
	now := time.Now()
	status := s.status
	s.keys = s.keys.replace(secret, now)
	s.expires, s.given = expires, given
	if !s.status.Active {
		s.status.Active, s.status.FailedSince, s.resumed = true, nil, true
	}
	s.probed = true
	grant = s.grantLocked()
	grant.Truncated, grant.Status = s.gap, &status
	s.wake()
	return grant, true
}

// grant returns the grant of a subscription that is new.
func (s *subscription) grant(truncated bool) Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	grant := s.grantLocked()
	grant.Truncated = truncated
	return grant
}

func (s *subscription) grantLocked() Grant {
	grant := Grant{ID: s.id, Cursor: s.watermark}
	if !s.expires.IsZero() {
		expires := s.expires
		grant.RefreshBefore = &expires
	}
	return grant
}

// wasGiven reports whether the last request about the subscription had these arguments.
func (s *subscription) wasGiven(arguments json.RawMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Equal(s.given, arguments)
}

func (s *subscription) wake() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// wishes returns what refreshes asked for since the last call.
func (s *subscription) wishes() (resumed, probed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resumed, probed = s.resumed, s.probed
	s.resumed, s.probed = false, false
	return resumed, probed
}

// ended reports whether the subscription's time is over, from when on it takes no refresh, and with which error it is
// to be told of, nil if the client knows. Otherwise it returns when to ask again; zero for never.
func (s *subscription) ended(now time.Time) (over bool, why *Error, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.expires.IsZero() {
		s.ending = !now.Before(s.expires)
		return s.ending, nil, s.expires
	}
	if s.status.Active || s.status.FailedSince == nil {
		return false, nil, time.Time{}
	}
	drop := s.status.FailedSince.Add(dropTime)
	if now.Before(drop) {
		return false, nil, drop
	}
	s.ending = true
	why = unreachable(*s.status.LastError)
	why.Message = "deliveries failed for a week, and the subscription was ended; subscribe again when the endpoint works"
	return true, why, drop
}

// end marks the subscription as ending.
func (s *subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
}

func (s *subscription) active() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Active
}

// succeeded records a delivery, resumes deliveries if they were suspended while it was under way, and returns how long there was nothing but failures before.
func (s *subscription) succeeded(now time.Time) (outage time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.FailedSince != nil {
		outage = now.Sub(*s.status.FailedSince)
	}
	at := stamp(now)
	s.status = DeliveryStatus{Active: true, LastDeliveryAt: &at}
	return outage
}

// failed records a failed delivery and suspends deliveries after long failure, which it reports; unless it may be the
// event that fails, and not the endpoint.
func (s *subscription) failed(now time.Time, reason Reason, ofEndpoint bool) (suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.LastError = &reason
	if s.status.FailedSince == nil {
		at := stamp(now)
		s.status.FailedSince = &at
	}
	if ofEndpoint && s.status.Active && now.Sub(*s.status.FailedSince) >= suspendTime {
		s.status.Active = false
		return true
	}
	return false
}

// advance records how far deliveries have got, and reports whether that is news.
func (s *subscription) advance(watermark eventcore.Cursor, gap bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watermark == watermark && s.gap == gap {
		return false
	}
	s.watermark, s.gap = watermark, gap
	return true
}

// envelope returns a message to the endpoint, signed as things stand.
func (s *subscription) envelope(id string, body []byte) envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return envelope{to: s.to, subscription: s.id, id: id, keys: s.keys, body: body}
}

func (s *subscription) standing() Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Standing{Name: s.name, Active: s.status.Active, Cursor: s.watermark, Feed: s.feed}
}

// opened records where its events come from.
func (s *subscription) opened(feed Feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed = feed
}

// position returns the cursor that is safe to keep.
func (s *subscription) position() eventcore.Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watermark
}

// stamp is a time as it is told: in UTC, to the millisecond, never later than it was.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
