package mcp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// Webhooks delivers events to callback endpoints. All methods may be called from many goroutines at once. An error is a
// refusal in the extension's terms, or an [*eventcore.Error] of the feeds.
type Webhooks interface {
	Subscribe(ctx context.Context, req webhook.Request) (webhook.Grant, error)
	Unsubscribe(ctx context.Context, principal, name string, arguments json.RawMessage, url string) error
	// Standings returns how the subscriptions stand.
	Standings() []webhook.Standing
	// Close ends deliveries; it returns when no feed is open any more or ctx ends.
	Close(ctx context.Context) error
}

// Feeds returns the feeds from which webhooks are delivered. They end with [Server.Close].
func (s *Server) Feeds() webhook.Feeds { return feeds{s} }

// OfferWebhooks makes the server offer webhooks, to clients that came over HTTP and are authenticated. It is called
// before the first client is served; [Server.Close] closes w.
func (s *Server) OfferWebhooks(w Webhooks) { s.webhooks = w }

// CountWebhook counts a delivery in the metrics; it is for the webhook.Options of what is offered.
func (s *Server) CountWebhook(o webhook.Occurrence) {
	s.metrics.delivered(byWebhook, o.Name, o.Received, len(o.Meta) > 0)
}

// checkWebhook returns why the session's client cannot have webhooks, nil if it can.
func (s *Session) checkWebhook() error {
	refusal := &rpcError{Code: codeForbidden}
	switch {
	case !s.http:
		refusal.Message = "webhooks are only for clients that come over HTTP and are authenticated; use events/stream or events/poll"
	case s.principal == "":
		refusal.Message = "webhooks are only for authenticated clients, and this one is not: run the server with --auth-tokens, and send " +
			"Authorization: Bearer TOKEN; or use events/stream or events/poll"
	default:
		return nil
	}
	return refusal
}

// webhookInterest are what events/subscribe and events/unsubscribe share.
type webhookInterest struct {
	args      arguments
	arguments json.RawMessage
	webhooks  Webhooks
}

// readWebhook checks that the client may have webhooks at all, and what it sent.
func (s *Session) readWebhook(msg message, accepted []argument) (*webhookInterest, error) {
	if err := s.checkWebhook(); err != nil {
		return nil, err
	}
	if s.server.webhooks == nil {
		return nil, unsupported("delivery", "webhook", "this server runs without webhooks; use events/stream or events/poll")
	}
	accepted = append(accepted, argument{name: "delivery", kind: kindObject, required: true, description: "the endpoint"})
	args, err := decodeParams(msg, accepted)
	if err != nil {
		return nil, err
	}
	in := &webhookInterest{args: args, arguments: args.given["arguments"], webhooks: s.server.webhooks}
	if !args.has("arguments") {
		in.arguments = json.RawMessage("{}")
	}
	return in, nil
}

// delivery reads members of the request's delivery.
func (in *webhookInterest) delivery(accepted ...argument) (arguments, error) {
	var given map[string]json.RawMessage
	err := json.Unmarshal(in.args.given["delivery"], &given)
	if err != nil {
		return arguments{}, fmt.Errorf("read delivery: %w", err)
	}
	read, err := decodeMembers(accepted, given)
	if err != nil {
		e := *asUserError(err)
		e.Message = "delivery: " + e.Message
		return read, &e
	}
	return read, nil
}

func deliveryURL() argument {
	return argument{name: "url", kind: kindText, required: true, maxText: 4096, description: "the endpoint's https URL"}
}

// webhookResult is the result of events/subscribe.
type webhookResult struct {
	mcpgo.Result
	ID             string                  `json:"id"`
	RefreshBefore  *time.Time              `json:"refreshBefore"`
	Cursor         string                  `json:"cursor"`
	Truncated      bool                    `json:"truncated"`
	DeliveryStatus *webhook.DeliveryStatus `json:"deliveryStatus,omitempty"`
}

func subscribeWebhook(ctx context.Context, s *Session, _ *call, msg message) (mcpgo.ResultMetadata, error) {
	in, err := s.readWebhook(msg,
		append(interestParams(), argument{name: "ttlMs", kind: kindInteger, min: 1, max: int(maxAge.Milliseconds()),
			fallback: int(webhook.DefaultTTL.Milliseconds()), description: "how long it should live, in milliseconds; null for no expiry"}))
	if err != nil {
		return nil, err
	}
	// The mode comes first, because another one has other members.
	way, err := in.delivery(argument{name: "mode", kind: kindText, required: true, description: "webhook"})
	if err != nil {
		return nil, err
	}
	if mode := way.text("mode"); mode != "webhook" {
		return nil, unsupported("delivery.mode", mode, fmt.Sprintf("delivery.mode must be webhook, not %q", clip(mode, 100)))
	}
	to, err := in.delivery(deliveryURL(), argument{name: "secret", kind: kindText, required: true, description: "whsec_ and base64 of 24 to 64 bytes"})
	if err != nil {
		return nil, err
	}
	// Everything that can be told without asking anybody is told here, as events/poll tells it.
	if _, err := in.args.interest(); err != nil {
		return nil, err
	}
	req := webhook.Request{
		Principal: s.principal, Name: in.args.text("name"), Arguments: in.arguments,
		URL: to.text("url"), Secret: to.text("secret"), Cursor: in.args.cursor(), MaxAge: in.args.maxAge(),
	}
	if wish, ok := in.args.given["ttlMs"]; !ok || !bytes.Equal(wish, []byte("null")) {
		ttl := time.Duration(in.args.integer("ttlMs")) * time.Millisecond
		req.TTL = &ttl
	}
	grant, err := in.webhooks.Subscribe(ctx, req)
	if err != nil {
		return nil, err
	}
	return &webhookResult{ID: grant.ID, RefreshBefore: grant.RefreshBefore, Cursor: grant.Cursor.String(),
		Truncated: grant.Truncated, DeliveryStatus: grant.Status}, nil
}

func unsubscribeWebhook(ctx context.Context, s *Session, _ *call, msg message) (mcpgo.ResultMetadata, error) {
	in, err := s.readWebhook(msg, interestParams()[:2])
	if err != nil {
		return nil, err
	}
	// The mode and the secret of events/subscribe may be there as well; they do not matter.
	to, err := in.delivery(deliveryURL())
	if err != nil {
		return nil, err
	}
	if _, err := newInterest(in.args.text("name"), in.args.object("arguments"), nil, 0); err != nil {
		return nil, err
	}
	if err := in.webhooks.Unsubscribe(ctx, s.principal, in.args.text("name"), in.arguments, to.text("url")); err != nil {
		return nil, err
	}
	return &ended{}, nil
}

// feeds opens the hub's feeds for webhooks.
type feeds struct{ server *Server }

func (f feeds) Open(ctx context.Context, name string, arguments json.RawMessage, cursor *string, maxAge time.Duration) (webhook.Feed, error) {
	f.server.fill()
	given, err := decodeObject(arguments)
	if err != nil {
		return nil, err
	}
	in, err := newInterest(name, given, cursor, maxAge)
	if err != nil {
		return nil, err
	}
	opened, err := f.server.hub.open(ctx, in, webhook.ReadsAtOnce)
	if err != nil {
		return nil, err
	}
	start, truncated, err := opened.locate(ctx, in.cursor, in.maxAge)
	if err != nil {
		opened.release()
		return nil, err
	}
	return &openFeed{feed: opened, start: start, truncated: truncated}, nil
}

func (f feeds) Canonical(ctx context.Context, name string, arguments json.RawMessage) (json.RawMessage, error) {
	f.server.fill()
	given, err := decodeObject(arguments)
	if err != nil {
		return nil, err
	}
	in, err := newInterest(name, given, nil, 0)
	if err != nil {
		return nil, err
	}
	normalized, err := f.server.hub.normalize(ctx, in)
	if err != nil {
		return nil, err
	}
	return encode(eventcore.TypedParams(in.def, normalized)) // maps are encoded in the order of their keys
}

func (f feeds) Checked(name string, arguments json.RawMessage) (json.RawMessage, error) {
	f.server.fill()
	given, err := decodeObject(arguments)
	if err != nil {
		return nil, err
	}
	in, err := newInterest(name, given, nil, 0)
	return json.RawMessage(in.params), err
}

func decodeObject(text json.RawMessage) (map[string]any, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	decoded, err := decodeArguments([]argument{{name: "arguments", kind: kindObject}}, json.RawMessage(`{"arguments":`+string(text)+`}`))
	return decoded.object("arguments"), err
}

// openFeed is a feed that remembers where it began, and whether its last read failed.
type openFeed struct {
	*feed
	start     eventcore.Cursor
	truncated bool
	failed    atomic.Bool
}

func (o *openFeed) Start() eventcore.Cursor { return o.start }

func (o *openFeed) Truncated() bool { return o.truncated }

func (o *openFeed) Read(ctx context.Context, from eventcore.Cursor, limit int, wait time.Duration) (webhook.Page, error) {
	read, err := o.readOn(ctx, from, limit, wait)
	if err != nil {
		return webhook.Page{}, err
	}
	page := webhook.Page{Next: read.Next[0], Truncated: read.Truncated, Problem: o.sub.Problem()}
	for _, event := range read.Events {
		one, err := occurrenceFor(event)
		if err != nil {
			return webhook.Page{}, err
		}
		page.Occurrences = append(page.Occurrences, one)
	}
	// What is read again is one event that was there, so that what was filtered counts once.
	o.hub.metrics.filtered(byWebhook, o.sub.Key.Key, read.Filtered[0])
	return page, nil
}

// readOn reads. After a read that failed it first has another try made at what was lost: a bus that was stopped, or a
// connection that the platform refused. What the journal has is read all the same; that no more comes is an error.
func (o *openFeed) readOn(ctx context.Context, from eventcore.Cursor, limit int, wait time.Duration) (*consume.Page, error) {
	var lost error
	if o.failed.Swap(false) {
		lost = o.revive(ctx)
	}
	if lost != nil || o.lane.consumer.Source().Phase == source.Failed {
		wait = 0
	}
	read, err := o.read(ctx, from, limit, wait)
	if err == nil && len(read.Events) == 0 && !read.Truncated && read.Source.Phase == source.Failed {
		err = sourceError(read.Source)
	}
	if err != nil {
		o.failed.Store(true)
		return nil, cmp.Or(lost, err)
	}
	return read, nil
}

func occurrenceFor(event consume.Event) (webhook.Occurrence, error) {
	one := webhook.Occurrence{EventID: event.EventID, Name: event.Subscription.Key.Key, Timestamp: event.Time,
		Data: eventData(event), Cursor: event.Cursor, Received: event.Received}
	if meta := errorMeta(event.Err); meta != nil {
		var err error
		if one.Meta, err = encode(meta); err != nil {
			return one, err
		}
	}
	return one, nil
}

// Close gives the feed's hold up; it returns when a cleanup that this brings is done, or ctx ends.
func (o *openFeed) Close(ctx context.Context) error {
	o.release()
	select {
	case <-o.released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
