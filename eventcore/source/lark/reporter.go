package lark

import (
	"fmt"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// reporter keeps the state and tells the sink of every change, in order. Its methods may be called from many
// goroutines at once.
type reporter struct {
	mu       sync.Mutex
	sink     source.Sink
	state    source.State
	connects int
}

func newReporter(sink source.Sink) *reporter { return &reporter{sink: sink} }

func (r *reporter) connecting() {
	r.enter(source.Connecting, func(s *source.State) { s.Attempt = 1 })
}

func (r *reporter) connected() {
	r.enter(source.Connected, func(s *source.State) {
		s.Attempt = 0
		s.Detail = ""
		s.Reconnects = r.connects
		r.connects++
	})
}

// reconnecting tells that an attempt follows after wait, and why it is needed.
func (r *reporter) reconnecting(attempt int, cause error, wait time.Duration) {
	r.enter(source.Reconnecting, func(s *source.State) {
		s.Attempt = attempt
		s.LastError = cause.Error()
		s.Detail = fmt.Sprintf("%v; next attempt in %v", cause, wait.Round(10*time.Millisecond))
	})
}

func (r *reporter) failed(err *eventcore.Error) {
	r.enter(source.Failed, func(s *source.State) {
		s.Attempt = 0
		s.Err = err
		s.Detail = err.Message
		s.LastError = err.Message
	})
}

// online tells how many connections the platform counts. It is ignored unless connected.
func (r *reporter) online(count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Phase != source.Connected || r.state.OnlineConnections == count {
		return
	}
	r.state.OnlineConnections = count
	r.state.Detail = ""
	if count > 1 {
		r.state.Detail = fmt.Sprintf("the app has %d connections open; each event goes to only one of them", count)
	}
	r.sink.SetState(r.state)
}

// enter changes the state and its phase, and tells the sink under the lock, so that states arrive in order.
func (r *reporter) enter(phase source.Phase, change func(*source.State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state.Phase != phase {
		r.state.Since = time.Now()
	}
	r.state.Phase = phase
	r.state.OnlineConnections = 0
	change(&r.state)
	r.sink.SetState(r.state)
}
