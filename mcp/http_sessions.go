package mcp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxHTTPSessions bounds the sessions of one principal.
	maxHTTPSessions = 1000
	// sessionIdle is how long a session lives without a request or a stream; it is looked for every expireEvery.
	sessionIdle = 30 * time.Minute
	expireEvery = time.Minute
	// endTime bounds the end of a session whose client is gone: cleanups on the platform.
	endTime = 10 * time.Second
)

var (
	errTooManySessions = fmt.Errorf("%d sessions are open, the most there may be; end those that are not needed (HTTP DELETE), "+
		"or wait until some have been unused for %d minutes", maxHTTPSessions, sessionIdle/time.Minute)
	// Of protocol 2026-07-28 no client knows that there are sessions.
	errTooManyNames = fmt.Errorf("subscriptions of %d clients are remembered, by the names in clientInfo, the most there may be; use a name again "+
		"rather than a new one for each run, or wait until some have been unused for %d minutes", maxHTTPSessions, sessionIdle/time.Minute)
	errEnding = errors.New("the server is ending")
)

// sessionKey is how requests find their session, and only those of its principal.
type sessionKey struct {
	principal string
	// modern tells a session by its client's name (protocol 2026-07-28) from one by its id.
	modern bool
	name   string
}

// httpSession is a session and what HTTP needs to know of it.
type httpSession struct {
	*Session
	key sessionKey
	// permitted reports whether the session's principal may still connect.
	permitted func() bool
	// stream takes what the session itself has to say; nil if its client has no way to listen to that.
	stream *httpStream
	// open ends when the session is to end: before its life, which lasts until its requests have ended.
	open   context.Context
	cancel context.CancelFunc
	// answering counts the requests that are being answered, without streams.
	answering atomic.Int32
	serving   sync.WaitGroup // requests and streams

	// The table's mutex guards these.
	users int // requests and streams
	used  time.Time
}

// httpSessions are the sessions of all clients that came by HTTP. Its methods may be called from many goroutines.
type httpSessions struct {
	server *Server
	tokens *Tokens // nil permits everyone
	// life ends when the server does, and cuts short what ends sessions until then.
	life   context.Context
	ending sync.WaitGroup // sessions that end by themselves

	mu     sync.Mutex
	open   map[sessionKey]*httpSession
	owned  map[string]int // how many of the open ones each principal has
	closed bool
}

func newHTTPSessions(s *Server, life context.Context) *httpSessions {
	return &httpSessions{server: s, life: life, open: map[sessionKey]*httpSession{}, owned: map[string]int{}}
}

// create makes a session for a client that initializes. The caller must release it.
func (t *httpSessions) create(principal string) (*httpSession, error) {
	stream := newHTTPStream()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.room(principal, errTooManySessions); err != nil {
		return nil, err
	}
	s := t.newSession(principal, stream)
	s.stream = stream
	return t.enter(s, sessionKey{principal: principal, name: s.id}), nil
}

// forClient returns the session of a client without one of its own, by the name it gives. The caller must release it.
func (t *httpSessions) forClient(principal, name string) (*httpSession, error) {
	key := sessionKey{principal: principal, modern: true, name: name}
	t.mu.Lock()
	defer t.mu.Unlock()
	if found, ok := t.open[key]; ok {
		return t.use(found), nil
	}
	if err := t.room(principal, errTooManyNames); err != nil {
		return nil, err
	}
	return t.enter(t.newSession(principal, silence{}), key), nil
}

// find returns the session with an id, if principal has such a session. The caller must release it.
func (t *httpSessions) find(principal, id string) (*httpSession, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.open[sessionKey{principal: principal, name: id}]
	if ok {
		t.use(found)
	}
	return found, ok
}

// room returns why a principal can have no session more, tooMany if it has its fill; t.mu must be held.
func (t *httpSessions) room(principal string, tooMany error) error {
	switch {
	case t.closed:
		return errEnding
	case t.owned[principal] >= maxHTTPSessions:
		return tooMany
	}
	return nil
}

func (t *httpSessions) newSession(principal string, out sender) *httpSession {
	made := &httpSession{Session: t.server.newSession(out, principal)}
	made.Session.http = true
	made.permitted = func() bool { return t.tokens == nil || t.tokens.Knows(principal) }
	made.open, made.cancel = context.WithCancel(context.Background())
	return made
}

// enter puts a new session into the table, with its first user; t.mu must be held.
func (t *httpSessions) enter(s *httpSession, key sessionKey) *httpSession {
	s.key = key
	t.open[key] = s
	t.owned[key.principal]++
	return t.use(s)
}

// take takes a session out of the table, and reports whether it was there: whoever took it finishes it. t.mu must be
// held.
func (t *httpSessions) take(s *httpSession) bool {
	if t.open[s.key] != s {
		return false
	}
	delete(t.open, s.key)
	if t.owned[s.key.principal]--; t.owned[s.key.principal] == 0 {
		delete(t.owned, s.key.principal)
	}
	return true
}

// use enters a user of the session; t.mu must be held.
func (t *httpSessions) use(s *httpSession) *httpSession {
	s.users++
	s.serving.Add(1)
	return s
}

// release says that a request or stream has ended. A session that has nothing to remember ends with its last one: it
// would only take the place of others.
func (t *httpSessions) release(s *httpSession) {
	t.mu.Lock()
	s.users--
	s.used = time.Now()
	s.serving.Done()
	forget := s.users == 0 && !s.remembers() && t.take(s)
	t.mu.Unlock()
	if forget {
		t.finish(s)
	}
}

// remembers reports whether the next request may find anything in the session. In protocol 2026-07-28 that is
// subscriptions, which need a consumer; a client that initializes counts on its session in any case.
func (s *httpSession) remembers() bool {
	return !s.key.modern || s.madeConsumer() != nil
}

// remove ends a session that its client does not want any more. It returns when that is done. The caller must have
// released it.
func (t *httpSessions) remove(s *httpSession) {
	t.mu.Lock()
	present := t.take(s)
	t.mu.Unlock()
	if present {
		t.finish(s)
	}
}

// finish ends a session that was taken out.
func (t *httpSessions) finish(s *httpSession) {
	ctx, cancel := context.WithTimeout(t.life, endTime)
	defer cancel()
	s.finish(ctx)
}

// expire ends sessions that nobody uses, until the server ends. It returns when those ends are over.
func (t *httpSessions) expire() {
	look := time.NewTicker(expireEvery)
	defer look.Stop()
	for {
		select {
		case <-t.life.Done():
			t.ending.Wait()
			return
		case now := <-look.C:
			for _, idle := range t.takeIdle(now) {
				t.ending.Go(func() { t.finish(idle) })
			}
		}
	}
}

// takeIdle takes out the sessions that have been unused for too long.
func (t *httpSessions) takeIdle(now time.Time) []*httpSession {
	t.mu.Lock()
	defer t.mu.Unlock()
	var idle []*httpSession
	for _, s := range t.open {
		if s.users == 0 && now.Sub(s.used) >= sessionIdle && t.take(s) {
			idle = append(idle, s)
		}
	}
	return idle
}

// drain lets no more sessions begin, and ends what waits for events in those there are.
func (t *httpSessions) drain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, s := range t.open {
		s.drain()
	}
}

// close ends all sessions, at the same time. It returns when that is done, or ctx ends.
func (t *httpSessions) close(ctx context.Context) {
	t.mu.Lock()
	open := t.open
	t.open = nil
	t.mu.Unlock()
	var closing sync.WaitGroup
	for _, s := range open {
		closing.Go(func() { s.finish(ctx) })
	}
	closing.Wait()
}

// finish ends the session's requests and streams, and then the session. It returns when that is done, or ctx ends.
func (s *httpSession) finish(ctx context.Context) {
	s.drain()
	s.cancel()
	waitOr(ctx, &s.serving)
	s.close(ctx)
}

// silence is the output of a session whose client hears only what is said in the course of its requests.
type silence struct{}

func (silence) send(context.Context, []byte) error { return nil }
