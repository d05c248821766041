package webhook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Occurrence is one event.
type Occurrence struct {
	// EventID is the platform's id of the event; a receiver tells repetitions by it.
	EventID   string
	Name      string
	Timestamp time.Time
	// Data and Meta are JSON; Meta becomes _meta, unless it is empty.
	Data, Meta json.RawMessage
	// Cursor is the position after the event.
	Cursor eventcore.Cursor
	// Received is when it arrived on this machine, for Options.Delivered.
	Received time.Time
}

// Page is the result of one read.
type Page struct {
	Occurrences []Occurrence // in the order of their cursors
	// Next is where the next read begins: after the events that were looked at, also those that did not match.
	Next eventcore.Cursor
	// Truncated means that events after the cursor of the read are no longer to be had.
	Truncated bool
	// Problem, if not nil, is why events may not come at present. It passes by itself.
	Problem error
}

// Feed is the events of one name and its arguments.
type Feed interface {
	// Start is where the feed began, Truncated whether that is later than what was asked for.
	Start() eventcore.Cursor
	Truncated() bool
	// Read returns up to limit events after from, and if there is none waits up to wait for the first. Reading changes
	// nothing: an event can be read again. That no more events come until somebody asks for them is an error, once there
	// are none left; the next read asks. Up to [ReadsAtOnce] calls are made at once.
	Read(ctx context.Context, from eventcore.Cursor, limit int, wait time.Duration) (Page, error)
	// Close gives up what the feed holds, as a subscription on the platform. It is called once, after all reads.
	Close(ctx context.Context) error
}

// Feeds opens feeds. All methods check the arguments and fill in defaults, and all but Checked normalize them, for which
// they may ask the platform; what is wrong is an [*eventcore.Error]. They may be called from many goroutines at once.
type Feeds interface {
	// Open opens a feed that begins now if cursor is nil, else at the cursor, or maxAge ago if that is later and maxAge
	// is not zero.
	Open(ctx context.Context, name string, arguments json.RawMessage, cursor *string, maxAge time.Duration) (Feed, error)
	// Canonical returns the arguments in the one form that equal arguments share.
	Canonical(ctx context.Context, name string, arguments json.RawMessage) (json.RawMessage, error)
	// Checked returns the arguments as they were given, with their defaults, in the same form whatever their order. It
	// asks nobody.
	Checked(name string, arguments json.RawMessage) (json.RawMessage, error)
}

// Request asks for a subscription, or refreshes it: principal, URL, name and arguments say which.
type Request struct {
	Principal string
	Name      string
	Arguments json.RawMessage
	// URL is the endpoint, Secret what deliveries are signed with.
	URL, Secret string
	// Cursor is where a new subscription begins, nil for now; MaxAge limits how far back that may be, 0 for no limit.
	// A subscription that is there goes on where it is.
	Cursor *string
	MaxAge time.Duration
	// TTL is how long the subscription should live; nil asks for no expiry. A client that does not say gets [DefaultTTL].
	TTL *time.Duration
}

// Grant is a subscription as it was granted.
type Grant struct {
	ID string
	// RefreshBefore is when it expires; nil means never.
	RefreshBefore *time.Time
	// Cursor is where it stands.
	Cursor eventcore.Cursor
	// Truncated means that events after the cursor asked for, or since the last refresh, will not be delivered.
	Truncated bool
	// Status is how deliveries were going until this refresh; nil for a new subscription.
	Status *DeliveryStatus
}

// Standing is how a subscription stands, for whoever watches the server.
type Standing struct {
	Name string
	// Active is false while deliveries are suspended.
	Active bool
	// Cursor is the position at or before which every event was delivered or given up.
	Cursor eventcore.Cursor
	// Feed is where its events come from, nil while that is not open. It is not to be read or closed.
	Feed Feed
}

// DeliveryStatus is how deliveries of a subscription are going.
type DeliveryStatus struct {
	// Active is false while deliveries are suspended.
	Active         bool       `json:"active"`
	LastDeliveryAt *time.Time `json:"lastDeliveryAt"`
	// LastError is why the last delivery was not accepted; nil if it was.
	LastError *Reason `json:"lastError"`
	// FailedSince is when the first of the failures came that no success has followed, or when this server was started if
	// that was later.
	FailedSince *time.Time `json:"failedSince,omitempty"`
}

// Reason is a category of failure. An endpoint's own words are never passed on: an URL may be anybody's.
type Reason string

// The reasons. A redirect counts as ReasonHTTP4xx, because it is the URL that has to change; a name that does not
// resolve, or not to addresses that may be used, as ReasonRefused.
const (
	ReasonRefused   Reason = "connection_refused"
	ReasonTimeout   Reason = "timeout"
	ReasonTLS       Reason = "tls_error"
	ReasonHTTP4xx   Reason = "http_4xx"
	ReasonHTTP5xx   Reason = "http_5xx"
	ReasonChallenge Reason = "challenge_failed"
)

// ofEndpoint reports whether no event can be the cause: the endpoint did not get it.
func (r Reason) ofEndpoint() bool { return r == ReasonRefused || r == ReasonTLS }
