package bus

import (
	"log/slog"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// sourceState is the latest state of the source, and who wants to hear of the next one.
type sourceState struct {
	log   *slog.Logger
	retry chan struct{} // a token asks for another try after a final refusal

	mu       sync.Mutex
	state    source.State
	unstored string        // why events cannot be stored; part of what is told of every state
	refused  bool          // the source has ended with a refusal, and nobody has asked for another try yet
	again    bool          // somebody has, between the source's word of its refusal and its end
	changed  chan struct{} // closed at each change
}

func newSourceState(log *slog.Logger) *sourceState {
	return &sourceState{
		log: log, retry: make(chan struct{}, 1), changed: make(chan struct{}),
		state: source.State{Phase: source.Connecting, Since: time.Now()},
	}
}

// set implements source.Sink.
func (s *sourceState) set(state source.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setLocked(state)
}

func (s *sourceState) setLocked(state source.State) {
	if state.Phase != s.state.Phase || state.Detail != s.state.Detail {
		s.log.Info("long connection", "state", state.Phase, "attempt", state.Attempt, "detail", state.Detail)
	}
	state.Unstored = s.unstored
	s.state = state
	close(s.changed)
	s.changed = make(chan struct{})
}

// setUnstored tells why events cannot be stored, or with "" that they are stored again.
func (s *sourceState) setUnstored(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unstored = why
	s.setLocked(s.state)
}

// fail makes sure that the state says Failed, after the source has ended with a refusal, unless another try was asked for
// meanwhile.
func (s *sourceState) fail(refusal *eventcore.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again {
		s.again = false
		s.retry <- struct{}{} // has room: see askRetry
		return
	}
	s.refused = true
	if s.state.Phase == source.Failed && s.state.Err != nil {
		return
	}
	s.setLocked(source.State{
		Phase: source.Failed, Since: time.Now(), Detail: refusal.Message, LastError: refusal.Message,
		Reconnects: s.state.Reconnects, Err: refusal,
	})
}

// get returns the state and a channel that is closed when it changes.
func (s *sourceState) get() (source.State, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.changed
}

// askRetry lets a source that was refused try again, once it has ended. The state changes before it returns: whoever asked
// must not take the old refusal for the outcome.
func (s *sourceState) askRetry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Phase != source.Failed {
		return
	}
	s.setLocked(source.State{
		Phase: source.Connecting, Since: time.Now(), LastError: s.state.LastError, Reconnects: s.state.Reconnects,
	})
	if s.again = !s.refused; s.refused {
		s.refused = false
		s.retry <- struct{}{} // has room: the source runs, and is refused, again only once receive has the token
	}
}
