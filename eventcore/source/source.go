package source

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Event is one event on its way to the journal.
type Event struct {
	// RawEvent has a payload as [ParseEnvelope] leaves it: JSON without line breaks, in UTF-8.
	eventcore.RawEvent
	// DedupID is the same however often the platform sends what happened, and nothing else has it; empty if the EventID
	// is so.
	DedupID string
	// Done is called exactly once: with nil when the event is in the journal (now or from an earlier delivery),
	// and with an error when it is not, so that the platform delivers it again. It must not block, and may be
	// called from any goroutine.
	Done func(error)
}

// Sink takes what a source has to say. Its methods may be called from many goroutines at once.
type Sink interface {
	// Deliver hands over an event. It blocks while the sink has too many events under way (that is the
	// backpressure), and returns ctx's error, with Done not called, if ctx ends first.
	Deliver(ctx context.Context, event Event) error
	// SetState tells of a change of the connection. It does not block.
	SetState(state State)
	// Malformed counts and logs a body that is no event; detail says why, and holds no event content.
	Malformed(detail string)
	// Acknowledged tells that an acknowledgement has been written to the platform, so long after the frame that it
	// is for had arrived. It does not block.
	Acknowledged(took time.Duration)
}

// Source delivers events until its context ends.
type Source interface {
	// Run connects and delivers to sink, reconnecting by itself. It returns ctx's error when ctx ends, and an
	// [*eventcore.Error] when the platform gives a final refusal (wrong credentials, app disabled, …), after
	// having set the state to Failed. It may be called again then.
	Run(ctx context.Context, sink Sink) error
}

// Phase is where a connection stands.
type Phase string

// The phases of a connection.
const (
	Connecting   Phase = "connecting"   // the first attempt is under way
	Connected    Phase = "connected"    // events arrive
	Reconnecting Phase = "reconnecting" // the connection was lost or could not be made; attempts go on
	Failed       Phase = "failed"       // the platform refused for good; no attempts are made
)

// State is the state of a source.
type State struct {
	Phase Phase `json:"state"`
	// Since is when the phase began.
	Since time.Time `json:"since"`
	// Attempt is the number of the attempt under way, from 1; 0 when connected or failed.
	Attempt int `json:"attempt,omitempty"`
	// Detail says why, for people: what the platform said, what broke.
	Detail string `json:"detail,omitempty"`
	// Reconnects counts the connections made after the first one, since the source started.
	Reconnects int `json:"reconnects"`
	// LastError is the latest failure, kept after recovery.
	LastError string `json:"last_error,omitempty"`
	// Err is the final refusal when Failed.
	Err *eventcore.Error `json:"error,omitempty"`
	// OnlineConnections is how many connections the app has open anywhere, as the platform counts; 0 if unknown.
	// More than one means that others receive part of the events.
	OnlineConnections int `json:"online_connections,omitempty"`
	// Unstored says why events that arrive cannot be stored, while that is so. The bus sets it, no source does.
	Unstored string `json:"unstored,omitempty"`
}
