package consume

import (
	"context"
	"log/slog"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// Options configures a [Client].
type Options struct {
	// App is the folder of the app's bus.
	App statedir.App
	// Start starts a bus for the app, detached, when none answers. Nil: never.
	Start func(ctx context.Context) error
	// API returns the client that a key's hooks call as this identity, "bot" or "user". It is asked on first
	// use. Its error, if any, fails the subscription.
	API func(identity string) (eventcore.APIClient, error)
	// Name says who consumes, in the bus's status: mcp, consume, …
	Name string
	// Logger gets diagnostics; nil discards them.
	Logger *slog.Logger
}

// Client is one consumer's attachment to a bus. It dials at first use, and again, with its subscriptions kept,
// when the bus has gone. All methods may be called from many goroutines at once.
type Client struct{}

// New returns a client; nothing is dialled yet.
func New(opts Options) *Client { panic("skeleton") }

// Request describes a subscription.
type Request struct {
	Key string
	// Params are typed (as JSON decodes them) or strings; see eventcore.ResolveParams.
	Params map[string]any
	// Filter is a jq expression on the event's data; false, null or no output drops the event. Empty keeps all.
	Filter string
	// From is where the subscription begins: "now" (or empty), "earliest", a cursor, or an age such as "30m".
	From string
}

// Subscription is one consumer's interest in a key.
type Subscription struct {
	// ID is unique within the client: stable for the same key, params and filter.
	ID     string
	Key    *eventcore.KeyDefinition
	Params map[string]string // resolved and normalized; eventcore.TypedParams types them
	Filter string
	// Start is where it began.
	Start eventcore.Cursor
	// Warnings are facts the subscriber should know, each a sentence with what to do.
	Warnings []string
}

// Subscribe checks the request, runs the key's hooks that come before the first event, and returns the
// subscription. The same key, params and filter return the subscription that is there already, with existed
// true. Errors are [*eventcore.Error]: unknown_key, invalid_params, invalid_filter, invalid_cursor,
// credentials_missing, permission_denied, platform_error, single_consumer, bus_unavailable.
func (c *Client) Subscribe(ctx context.Context, req Request) (sub *Subscription, existed bool, err error) {
	panic("skeleton")
}

// Cleanup says what became of the platform-side subscription at [Client.Unsubscribe].
type Cleanup string

// The outcomes of an unsubscription.
const (
	CleanupDone    Cleanup = "done"     // ended on the platform, or there was nothing to end
	CleanupNotLast Cleanup = "not_last" // others still use it
	CleanupFailed  Cleanup = "failed"   // the platform did not end it; the error says why
)

// Unsubscribe ends a subscription. A failed cleanup is reported, and the subscription is gone all the same.
func (c *Client) Unsubscribe(ctx context.Context, sub *Subscription) (Cleanup, error) { panic("skeleton") }

// Read returns the events after the given cursors, in journal order: at least one if there is any, at most max
// (1 to 200). If there is none it waits up to wait, and returns at once when ctx ends, with its error. Reading
// changes nothing: the same read gives the same page again, for as long as the events are retained.
// A failed Process or filter is reported in the event, and never ends the read.
func (c *Client) Read(ctx context.Context, at []At, max int, wait time.Duration) (*Page, error) {
	panic("skeleton")
}

// Behind returns how many events of the subscription's type lie after the cursor, before any filter.
func (c *Client) Behind(ctx context.Context, at At) (int, error) { panic("skeleton") }

// Source returns the last known state of the connection to the platform, without waiting.
func (c *Client) Source() source.State { panic("skeleton") }

// Status asks the bus for its status. If no bus runs it starts none, and returns an [*eventcore.Error] with
// bus_unavailable.
func (c *Client) Status(ctx context.Context) (*protocol.Status, error) { panic("skeleton") }

// Close ends all subscriptions, with their cleanups, and detaches. It returns when that is done or ctx ends.
func (c *Client) Close(ctx context.Context) error { panic("skeleton") }
