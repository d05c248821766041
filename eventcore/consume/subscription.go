package consume

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// Subscription is one consumer's interest in a key. Its exported fields do not change.
type Subscription struct {
	// ID is the same for the same key, params and filter, and short, because every event that a model reads has it.
	// Only where two of a client would have the same one, the second has a longer one.
	ID     string
	Key    *eventcore.KeyDefinition
	Params map[string]string // resolved and normalized; eventcore.TypedParams types them
	Filter string
	// Start is where it began.
	Start eventcore.Cursor

	// fingerprint is the key, the params and the filter as one name, of which the ID is the beginning.
	fingerprint string

	identity  string
	holder    uint64
	eventType string
	filter    *Filter
	api       eventcore.APIClient
	workers   chan struct{} // has room for one token a worker
	// later does what nobody waits for, see [Client.later].
	later func(do func()) (begun bool)

	// left means that it was ended, and joins no bus any more.
	left atomic.Bool
	// turn is held while the subscription joins or leaves a bus, hooks included; a channel, so that waiting for it can be
	// cancelled. It guards what follows.
	turn chan struct{}
	// joined is the link through which the bus knows of the subscription, nil if none does.
	joined *link
	// cleanup ends the platform side; only whoever ran PreConsume has it.
	cleanup func() error

	// tellMu guards what is to be told; it is never held for long.
	tellMu   sync.Mutex
	warnings []string
	problem  error
}

// errLeft is returned for a subscription that was ended.
var errLeft = errors.New("the subscription was ended")

// Warnings are facts the subscriber should know, as of the last [Client.Subscribe], each a sentence with what to do.
func (s *Subscription) Warnings() []string {
	s.tellMu.Lock()
	defer s.tellMu.Unlock()
	return slices.Clone(s.warnings)
}

// Problem is why the bus that runs now does not know of the subscription, although it did not end; it is tried again.
// Nil if there is no problem.
func (s *Subscription) Problem() error {
	s.tellMu.Lock()
	defer s.tellMu.Unlock()
	return s.problem
}

func (s *Subscription) setProblem(problem error) {
	s.tellMu.Lock()
	defer s.tellMu.Unlock()
	s.problem = problem
}

func (s *Subscription) warn(warnings []string) {
	s.tellMu.Lock()
	defer s.tellMu.Unlock()
	s.warnings = warnings
}

// newSubscription fills in what follows from the definition and the resolved params.
func newSubscription(def *eventcore.KeyDefinition, params map[string]string, filterText string) *Subscription {
	return &Subscription{
		Key: def, Params: params, Filter: filterText, fingerprint: fingerprint(def.Key, params, filterText),
		identity: eventcore.SubscriptionIdentity(def, params), eventType: def.EventTypeFor(params),
		workers: make(chan struct{}, max(def.Workers, 1)), turn: make(chan struct{}, 1),
	}
}

// take waits for the turn, which release gives back, or returns ctx's error if it is not free when ctx ends.
func (s *Subscription) take(ctx context.Context) (release func(), err error) {
	release = func() { <-s.turn }
	select {
	case s.turn <- struct{}{}:
		return release, nil
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fingerprint names what is subscribed to, not who does.
func fingerprint(key string, params map[string]string, filterText string) string {
	// Maps are encoded in the order of their keys.
	text, _ := json.Marshal([]any{key, params, filterText})
	sum := sha256.Sum256(text)
	return "s" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

// platform reports whether the subscription has a platform side, to be made and ended.
func (s *Subscription) platform() bool { return s.Key.PreConsume != nil }

// join makes the bus behind l know of the subscription and, if it is the first of its identity there, makes the
// platform side. One that was ended returns errLeft.
func (s *Subscription) join(ctx context.Context, asking asking, l *link) error {
	release, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	if s.left.Load() {
		return errLeft
	}
	err = s.joinInTurn(ctx, asking, l)
	if ctx.Err() == nil && !errors.Is(err, errLost) {
		s.setProblem(err)
	}
	return err
}

func (s *Subscription) joinInTurn(ctx context.Context, asking asking, l *link) (err error) {
	if s.joined == l {
		return nil
	}
	defer func() {
		if err != nil {
			s.giveUp(l)
		}
	}()
	answer, err := l.call(ctx, protocol.Request{Acquire: &protocol.Acquire{
		Holder: s.holder, Identity: s.identity, Key: s.Key.Key, Platform: s.platform(), Single: s.Key.SingleConsumer,
	}})
	if err != nil {
		return err
	}
	if answer.Acquired.First && s.platform() {
		err := s.prepare(asking())
		if settleErr := s.settle(ctx, l, err); settleErr != nil {
			return errors.Join(err, settleErr)
		}
		if err != nil {
			return fmt.Errorf("subscribe to %s on the platform: %w", s.Key.Key, err)
		}
	}
	s.joined = l
	return nil
}

// giveUp makes the bus behind l forget what it may have granted to the subscription in a request whose answer did
// not come, and what it waits to be told. It waits for nothing. If there is a platform side that nobody else
// holds, the bus remembers it as orphaned.
func (s *Subscription) giveUp(l *link) {
	l.tell(
		protocol.Request{Release: &protocol.Release{Holder: s.holder, Identity: s.identity}},
		protocol.Request{Settle: &protocol.Settle{Holder: s.holder, Identity: s.identity}},
	)
}

// errTurn is returned for a subscription that could not be ended in time, because it is just being made known to a bus.
var errTurn = errors.New("it is just being made known to a bus")

// leave takes the subscription out of its bus and, if it is the last of its identity there, ends the platform
// side. l is the live link, nil if there is none. An error wraps errTurn if ctx ended before anything was done.
func (s *Subscription) leave(ctx context.Context, l *link) (Cleanup, error) {
	s.left.Store(true)
	release, err := s.take(ctx)
	if err != nil {
		return CleanupFailed, fmt.Errorf("end the subscription to %s: %w: %w", s.Key.Key, errTurn, err)
	}
	defer release()
	return s.leaveInTurn(ctx, l)
}

func (s *Subscription) leaveInTurn(ctx context.Context, l *link) (Cleanup, error) {
	if l == nil {
		return s.leaveLost()
	}
	// A bus that took over a moment ago may not know of the subscription yet; only it can say who is the last.
	switch err := s.joinInTurn(ctx, within(ctx), l); {
	case errors.Is(err, errLost) || err != nil && !s.platform():
		return s.leaveLost()
	case err != nil:
		return CleanupFailed, fmt.Errorf("make the subscription to %s known to the new bus, to end it: %w", s.Key.Key, err)
	}
	s.joined = nil
	answer, err := l.call(ctx, protocol.Request{Release: &protocol.Release{Holder: s.holder, Identity: s.identity}})
	switch {
	case errors.Is(err, errLost):
		return s.leaveLost()
	case err != nil:
		s.giveUp(l)
		return CleanupFailed, err
	case !answer.Released.Last:
		return CleanupNotLast, nil
	case !s.platform():
		return CleanupDone, nil
	}
	if s.cleanup == nil {
		err = s.inheritCleanup(ctx)
	}
	settled := false
	if err == nil {
		settled, err = s.cleanUp(ctx, l)
	}
	if !settled {
		if settleErr := s.settle(ctx, l, err); err == nil {
			err = settleErr
		}
	}
	if err != nil {
		return CleanupFailed, fmt.Errorf("end the subscription to %s on the platform: %w", s.Key.Key, err)
	}
	return CleanupDone, nil
}

// leaveLost is leave when the bus has gone, so that nobody can say whether others need the platform side.
func (s *Subscription) leaveLost() (Cleanup, error) {
	s.joined = nil
	if !s.platform() {
		return CleanupDone, nil
	}
	return CleanupFailed, &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the bus has gone, so %s stays subscribed on the platform", s.Key.Key),
		Hint:    "the next consumer of the key takes the subscription over and ends it when it leaves",
	}
}

// prepare runs PreConsume and keeps its cleanup.
func (s *Subscription) prepare(ctx context.Context) (err error) {
	defer recovered("PreConsume", s.Key.Key, &err)
	cleanup, err := s.Key.PreConsume(ctx, s.api, s.Params)
	if err != nil {
		return err
	}
	if cleanup == nil {
		cleanup = func() error { return nil }
	}
	s.cleanup = cleanup
	return nil
}

// inheritCleanup gets at the cleanup after a PreConsume that another consumer ran, which has left before.
func (s *Subscription) inheritCleanup(ctx context.Context) error {
	if s.Key.Cleanup == nil {
		return s.prepare(ctx) // it is idempotent
	}
	s.cleanup = func() error { return s.Key.Cleanup(ctx, s.api, s.Params) }
	return nil
}

// lateCleanup is how long a cleanup that nobody waits for any more keeps others from the platform side, which it would
// end for them. Those of our keys end within 15 s.
const lateCleanup = 30 * time.Second

// cleanUp runs the cleanup. If ctx ends first, it returns its error, and the bus is told how it went when it is over, or, if
// the client is closed, at once that nobody knows: settled means that the caller is not to tell it.
func (s *Subscription) cleanUp(ctx context.Context, l *link) (settled bool, err error) {
	cleanup, done := s.cleanup, make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer recovered("cleanup", s.Key.Key, &err)
		err = cleanup()
	}()
	select {
	case err := <-done:
		return false, err
	case <-ctx.Done():
	}
	if s.later(func() {
		limit := time.NewTimer(lateCleanup)
		defer limit.Stop()
		err := context.DeadlineExceeded
		select {
		case err = <-done:
		case <-limit.C:
		case <-l.done:
		}
		_ = s.settle(ctx, l, err) // if the link has ended, the bus knows
	}) {
		return true, ctx.Err()
	}
	l.tell(protocol.Request{Settle: &protocol.Settle{Holder: s.holder, Identity: s.identity, Unknown: true}})
	return true, ctx.Err()
}

// settle tells the bus how PreConsume or the cleanup ended, also when ctx has ended meanwhile.
func (s *Subscription) settle(ctx context.Context, l *link, outcome error) error {
	_, err := l.call(context.WithoutCancel(ctx), protocol.Request{Settle: &protocol.Settle{
		Holder: s.holder, Identity: s.identity, OK: outcome == nil, Unknown: unknown(outcome),
	}})
	return err
}

// unknown reports whether the platform may have done what a hook failed to hear of.
func unknown(err error) bool {
	return errors.Is(err, eventcore.ErrNoAnswer) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// recovered turns a panic of a hook into an error.
func recovered(hook, key string, err *error) {
	if r := recover(); r != nil {
		*err = &eventcore.Error{
			Code: eventcore.CodeInternal, Message: fmt.Sprintf("%s of %s panicked: %v", hook, key, r),
			Hint: "this is a fault of the key's definition; please report it",
		}
	}
}
