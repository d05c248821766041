package bus

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

const (
	// maxScopes bounds the subscription identities, and maxHolders the subscriptions of one of them.
	maxScopes, maxHolders = 100_000, 100_000
	// maxOrphans is how many scopes are kept that nobody holds and that may exist on the platform; the oldest beyond it
	// are forgotten.
	maxOrphans = 1000
	// maxScopeName bounds the bytes of an identity and its key.
	maxScopeName = 4096
)

// holder is one subscription of one connection.
type holder struct {
	conn   *conn
	number uint64
}

// scope is one subscription identity. Its platform side is made and ended by consumers, one at a time: while busy
// is set, that holder runs PreConsume or the cleanup, and everybody else waits.
type scope struct {
	identity, key string
	// platform means that there is something to make and to end on the platform.
	platform bool
	holders  []holder
	busy     *holder
	settled  chan struct{} // closed when busy ends
	// orphaned means that the platform side may exist although nobody holds the scope.
	orphaned bool
	// left is greater the later the scope became an orphan.
	left uint64
}

// scopes decides, under one lock, who is first and who is last. What may exist on the platform is remembered in
// a file, so that it is not forgotten with the process.
type scopes struct {
	log  *slog.Logger
	file scopeFile

	mu    sync.Mutex
	byID  map[string]*scope
	lefts uint64
}

// openScopes reads what an earlier bus left behind.
func openScopes(path string, log *slog.Logger) (*scopes, error) {
	s := &scopes{log: log, file: scopeFile(path), byID: map[string]*scope{}}
	left, err := s.file.load(log)
	if err != nil {
		return nil, err
	}
	for _, saved := range left {
		sc := &scope{identity: saved.Identity, key: saved.Key, platform: true, orphaned: true}
		s.byID[saved.Identity] = sc
		s.noteOrphan(sc)
	}
	s.forgetOrphans()
	return s, nil
}

// isOrphan reports whether nobody holds the scope or works on it, and it may exist on the platform.
func (sc *scope) isOrphan() bool { return sc.orphaned && len(sc.holders) == 0 && sc.busy == nil }

// noteOrphan makes an orphan the newest one. Called under the lock.
func (s *scopes) noteOrphan(sc *scope) {
	s.lefts++
	sc.left = s.lefts
}

// forgetOrphans forgets the oldest beyond those that are kept. Called under the lock.
func (s *scopes) forgetOrphans() {
	var orphans []*scope
	for _, sc := range s.byID {
		if sc.isOrphan() {
			orphans = append(orphans, sc)
		}
	}
	if len(orphans) <= maxOrphans {
		return
	}
	slices.SortFunc(orphans, func(a, b *scope) int { return cmp.Compare(a.left, b.left) })
	for _, sc := range orphans[:len(orphans)-maxOrphans] {
		delete(s.byID, sc.identity)
		s.log.Warn("a subscription that may be left on the platform is forgotten, because there are too many such", "key", sc.key)
	}
}

// acquire joins a scope. It waits while another holder makes or ends the platform side, and returns ctx's error
// when ctx ends first, h having joined nothing then. If the answer says First, h is to settle. A holder that asks
// again, because the answer did not reach it, is told the same.
func (s *scopes) acquire(ctx context.Context, h holder, req *protocol.Acquire) (protocol.Acquired, error) {
	for {
		s.mu.Lock()
		// Looked at under the lock: a release that follows the cancellation must find nothing granted after it.
		if err := ctx.Err(); err != nil {
			s.mu.Unlock()
			return protocol.Acquired{}, err
		}
		sc := s.byID[req.Identity]
		if sc != nil && slices.Contains(sc.holders, h) {
			defer s.mu.Unlock()
			return protocol.Acquired{First: sc.busy != nil && *sc.busy == h}, nil
		}
		if sc == nil && len(s.byID) >= maxScopes || sc != nil && len(sc.holders) >= maxHolders || len(req.Identity)+len(req.Key) > maxScopeName {
			s.mu.Unlock()
			return protocol.Acquired{}, tooManyScopes()
		}
		if sc == nil {
			sc = &scope{identity: req.Identity, key: req.Key}
			s.byID[req.Identity] = sc
		}
		if req.Single && len(sc.holders) > 0 {
			s.mu.Unlock()
			return protocol.Acquired{}, taken(sc)
		}
		if sc.busy != nil {
			settled := sc.settled
			s.mu.Unlock()
			select {
			case <-settled:
				continue
			case <-ctx.Done():
				return protocol.Acquired{}, ctx.Err()
			}
		}
		first := len(sc.holders) == 0
		answer := protocol.Acquired{First: first, Orphaned: first && sc.orphaned}
		if first && sc.platform && !req.Platform {
			// Nobody knows how to end it: the key, as this consumer has it, has no hooks.
			s.log.Warn("a subscription that an earlier consumer left on the platform is forgotten, "+
				"because the key has nothing to end it with any more", "key", sc.key)
			sc.platform, sc.orphaned, answer.Orphaned = false, false, false
			s.save()
		}
		remembered := sc.platform
		sc.platform = sc.platform || req.Platform
		sc.holders = append(sc.holders, h)
		var err error
		if first && req.Platform {
			s.begin(sc, h)
			if failed := s.save(); failed != nil && !remembered { // made all the same, it would be forgotten with this process
				sc.remove(h)
				s.unbusy(sc)
				err = unremembered(failed)
			}
		}
		s.mu.Unlock()
		return answer, err
	}
}

// release leaves a scope. If it answers true, h was the last one and is to run the cleanup and settle. One that has
// not settled its PreConsume gives it up.
func (s *scopes) release(h holder, identity string) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := s.byID[identity]
	if sc == nil || !slices.Contains(sc.holders, h) {
		return false
	}
	sc.remove(h)
	if sc.busy != nil && *sc.busy == h {
		s.end(sc)
		return false
	}
	if len(sc.holders) > 0 {
		return false
	}
	if !sc.platform {
		delete(s.byID, identity)
		return true
	}
	s.begin(sc, h)
	return true
}

// settle ends what h was to run. A PreConsume that failed leaves the scope without h, and orphaned if the platform may
// have done what it was asked; a cleanup that failed leaves it orphaned.
func (s *scopes) settle(h holder, req *protocol.Settle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := s.byID[req.Identity]
	if sc == nil || sc.busy == nil || *sc.busy != h {
		return
	}
	preparing := slices.Contains(sc.holders, h)
	switch {
	case preparing && req.OK:
		sc.orphaned = false
	case preparing:
		sc.remove(h)
		if req.Unknown {
			sc.orphaned = true
			s.log.Warn("a subscription may have been made on the platform, which did not say so; the next consumer takes it over", "key", sc.key)
		}
	case !req.OK:
		sc.orphaned = true
	default:
		sc.orphaned = false
	}
	s.end(sc)
}

// leave takes a connection that is gone out of all scopes. The platform side of those it was the last in, or was
// working on, becomes orphaned.
func (s *scopes) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for _, sc := range s.byID {
		before, working := len(sc.holders), sc.busy != nil && sc.busy.conn == c
		sc.holders = slices.DeleteFunc(sc.holders, func(h holder) bool { return h.conn == c })
		if len(sc.holders) == before && !working {
			continue
		}
		if sc.platform && (working || (len(sc.holders) == 0 && sc.busy == nil)) && !sc.orphaned {
			sc.orphaned = true
			s.log.Warn("a consumer left without its cleanup; the next one takes over", "key", sc.key)
		}
		if working {
			s.unbusy(sc)
		} else {
			s.settleDown(sc)
		}
		changed = changed || sc.platform
	}
	if changed {
		s.forgetOrphans()
		s.save()
	}
}

// list describes the scopes that somebody holds or that may exist on the platform, in order of identity.
func (s *scopes) list() []protocol.Scope {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []protocol.Scope
	for _, sc := range s.byID {
		if sc.platform {
			found = append(found, protocol.Scope{
				Identity: sc.identity, Key: sc.key, Holders: len(sc.holders), Orphaned: sc.orphaned,
			})
		}
	}
	slices.SortFunc(found, func(a, b protocol.Scope) int { return strings.Compare(a.Identity, b.Identity) })
	return found
}

// keys returns the keys that a connection holds, sorted, each once.
func (s *scopes) keys(c *conn) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, sc := range s.byID {
		if slices.ContainsFunc(sc.holders, func(h holder) bool { return h.conn == c }) {
			keys = append(keys, sc.key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// begin makes h the one that works on the platform side. Called under the lock.
func (s *scopes) begin(sc *scope, h holder) {
	sc.busy = &h
	sc.settled = make(chan struct{})
}

// end lets the others go on, and remembers what is left. Called under the lock.
func (s *scopes) end(sc *scope) {
	s.unbusy(sc)
	if sc.isOrphan() {
		s.forgetOrphans()
	}
	s.save()
}

// unbusy lets the others go on. Called under the lock.
func (s *scopes) unbusy(sc *scope) {
	sc.busy = nil
	close(sc.settled)
	s.settleDown(sc)
}

// settleDown forgets a scope that nobody needs. Called under the lock.
func (s *scopes) settleDown(sc *scope) {
	switch {
	case len(sc.holders) > 0 || sc.busy != nil:
	case sc.orphaned:
		s.noteOrphan(sc)
	default:
		delete(s.byID, sc.identity)
	}
}

// save writes what may exist on the platform to the file, and logs if it cannot. Called under the lock.
func (s *scopes) save() error {
	var kept []*scope
	for _, sc := range s.byID {
		if sc.platform {
			kept = append(kept, sc)
		}
	}
	// The next bus takes them for orphans: the first is the oldest, and those that somebody has are none yet.
	slices.SortFunc(kept, func(a, b *scope) int {
		switch ours, theirs := a.isOrphan(), b.isOrphan(); {
		case ours != theirs && ours:
			return -1
		case ours != theirs:
			return 1
		}
		return cmp.Compare(a.left, b.left)
	})
	saved := make([]savedScope, len(kept))
	for i, sc := range kept {
		saved[i] = savedScope{Identity: sc.identity, Key: sc.key}
	}
	err := s.file.save(saved)
	if err != nil {
		s.log.Error("the subscriptions on the platform could not be remembered", "error", err)
	}
	return err
}

func (sc *scope) remove(h holder) {
	sc.holders = slices.DeleteFunc(sc.holders, func(other holder) bool { return other == h })
}

func unremembered(err error) *eventcore.Error {
	return &eventcore.Error{
		Code: eventcore.CodeBusUnavailable, Message: "the bus cannot remember a subscription on the platform, so it was not made: " + err.Error(),
		Hint: "free disk space or check the state directory, and try again", Cause: err,
	}
}

func tooManyScopes() *eventcore.Error {
	return &eventcore.Error{
		Code: eventcore.CodeLimitReached, Message: "the bus keeps no more subscriptions, or none with so long a name",
		Hint: "end those that are not needed; lark-events-mcp status lists the consumers",
	}
}

// taken is the error for the second consumer of a single-consumer key.
func taken(sc *scope) *eventcore.Error {
	who := "another consumer"
	if c := sc.holders[0].conn; c != nil {
		who = fmt.Sprintf("%s (process %d)", c.hello.Name, c.hello.PID)
	}
	return &eventcore.Error{
		Code:    eventcore.CodeSingleConsumer,
		Message: fmt.Sprintf("%s takes one consumer at a time, and %s has it", sc.key, who),
		Hint:    "end the other subscription, or choose another key; lark-events-mcp status lists the consumers",
	}
}
