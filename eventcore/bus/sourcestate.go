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

	mu      sync.Mutex
	state   source.State
	changed chan struct{} // closed at each change
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
	if state.Phase != s.state.Phase || state.Detail != s.state.Detail {
		s.log.Info("long connection", "state", state.Phase, "attempt", state.Attempt, "detail", state.Detail)
	}
	s.state = state
	close(s.changed)
	s.changed = make(chan struct{})
}

// fail makes sure that the state says Failed, after the source has ended with a refusal.
func (s *sourceState) fail(refusal *eventcore.Error) {
	state, _ := s.get()
	if state.Phase == source.Failed && state.Err != nil {
		return
	}
	s.set(source.State{
		Phase: source.Failed, Since: time.Now(), Detail: refusal.Message, LastError: refusal.Message,
		Reconnects: state.Reconnects, Err: refusal,
	})
}

// get returns the state and a channel that is closed when it changes.
func (s *sourceState) get() (source.State, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.changed
}

// askRetry lets a source that was refused try again.
func (s *sourceState) askRetry() {
	select {
	case s.retry <- struct{}{}:
	default:
	}
}
