package mcp

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// maxSubscriptions bounds the subscriptions of one session.
const maxSubscriptions = 100

// subscription is a session's interest in a key, and how far its client has read.
type subscription struct {
	*consume.Subscription
	// stopPush ends the subscription's push loop.
	stopPush context.CancelFunc

	mu       sync.Mutex
	push     PushMode         // what its subscriber chose; empty for the server's mode
	position eventcore.Cursor // where the next poll without a cursor begins
	seen     eventcore.Cursor // the furthest position ever read to; what counts as delivered, counts once
	updated  eventcore.Cursor // the last event that an update of its resource told of
	pushed   eventcore.Cursor // how far its events have been pushed, if notifications bring them
	skipped  gap              // what they left out up to there
	stats    readStats
}

// gap is where notifications left out events; the zero gap is none.
type gap struct {
	before eventcore.Cursor // how far they brought all
	last   eventcore.Cursor // the last one that they left out
}

// readStats count what a client has been given of a subscription.
type readStats struct {
	delivered, filtered, failed int
	lastEvent                   time.Time
	// withheld counts the events that no channel message told of, because nobody who may wake the agent caused them.
	withheld int
	// lost means that retention passed events before the client read them.
	lost bool
}

func (s *subscription) uri() string { return subscriptionURI(s.ID) }

func (s *subscription) at() eventcore.Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position
}

func (s *subscription) chosenPush() PushMode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.push
}

func (s *subscription) setPush(mode PushMode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push = mode
}

func (s *subscription) readStats() readStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// setUpdated records that an update told of the events up to here.
func (s *subscription) setUpdated(to eventcore.Cursor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updated = to
}

// updatedUnread reports whether the client has yet to poll what an update told of.
func (s *subscription) updatedUnread() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updated.Journal == s.position.Journal && isAfter(s.updated, s.position)
}

// setPushed records that the client has been sent the events up to here, but for those in the gap.
func (s *subscription) setPushed(to eventcore.Cursor, skipped gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushed = to
	if skipped == (gap{}) {
		return
	}
	if s.hasGap() {
		skipped.before = s.skipped.before // one gap, until the client has polled past all of it
	}
	s.skipped = skipped
}

// hasGap reports whether the client has yet to poll what notifications left out. Called under the lock.
func (s *subscription) hasGap() bool {
	return s.skipped.last.Journal == s.pushed.Journal && isAfter(s.skipped.last, s.position)
}

// given returns how far the client has been given all events, by polls or by notifications that bring them.
func (s *subscription) given() eventcore.Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	given := s.pushed
	if s.hasGap() {
		given = s.skipped.before
	}
	if given.Journal == s.position.Journal && given.After > s.position.After {
		return given
	}
	return s.position
}

// advance moves the position behind what a poll returns. It returns what the client is given for the first time, and
// how many events were dropped for the first time.
func (s *subscription) advance(next eventcore.Cursor, events []consume.Event, filtered int, lost bool) (fresh []consume.Event, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.position = next
	s.stats.lost = s.stats.lost || lost
	for _, event := range events {
		if !isAfter(event.Cursor, s.seen) {
			continue
		}
		fresh = append(fresh, event)
		s.stats.delivered++
		if event.Err != nil {
			s.stats.failed++
		}
		s.stats.lastEvent = event.Time
	}
	if isAfter(next, s.seen) {
		s.stats.filtered += filtered
		s.seen, dropped = next, filtered
	}
	return fresh, dropped
}

// withhold counts events that the channel did not tell of.
func (s *subscription) withhold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.withheld += n
}

// isAfter reports whether a lies after b. A position in another journal than b's counts as later: a journal is
// replaced by a newer one.
func isAfter(a, b eventcore.Cursor) bool {
	return a.Journal != b.Journal || a.After > b.After
}

// subscriptions are those of one session, in the order in which they came.
type subscriptions struct {
	mu   sync.Mutex
	list []*subscription
}

func (t *subscriptions) all() []*subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.list)
}

func (t *subscriptions) get(id string) (*subscription, bool) {
	for _, sub := range t.all() {
		if sub.ID == id {
			return sub, true
		}
	}
	return nil, false
}

// add enters sub, unless a subscription with its id is there already or the session has its fill. It returns the
// one that is there, nil if there is no room.
func (t *subscriptions) add(sub *subscription) (present *subscription, added bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range t.list {
		if other.ID == sub.ID {
			return other, false
		}
	}
	if len(t.list) >= maxSubscriptions {
		return nil, false
	}
	t.list = append(t.list, sub)
	return sub, true
}

// remove takes the subscription out; false means that it is gone already.
func (t *subscriptions) remove(sub *subscription) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.list, sub)
	if i < 0 {
		return false
	}
	t.list = slices.Delete(t.list, i, i+1)
	return true
}

// subscription returns the session's subscription with this id; the error has unknown_subscription and lists those
// that there are.
func (s *Session) subscription(id string) (*subscription, error) {
	if sub, ok := s.subs.get(id); ok {
		return sub, nil
	}
	return nil, unknownSubscription(id, s.subs.all())
}

func unknownSubscription(id string, present []*subscription) error {
	e := &eventcore.Error{
		Code:    eventcore.CodeUnknownSubscription,
		Message: fmt.Sprintf("this session has no subscription %q", clip(id, 100)),
		Hint:    "it has none at all: call subscribe_event first. " + missedHint,
	}
	for i, sub := range present {
		if i == 10 {
			e.Hint += ", …"
			break
		}
		if i == 0 {
			e.Hint = "call subscribe_event, or use one of the session's subscriptions: "
		} else {
			e.Hint += ", "
		}
		e.Hint += fmt.Sprintf("%s (%s)", sub.ID, sub.Key.Key)
	}
	return e
}
