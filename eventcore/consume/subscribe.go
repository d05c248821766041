package consume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// sourceWait is how long a new subscription waits for the outcome of the connection to the platform that is
// being made, so that it can tell of it.
const sourceWait = 5 * time.Second

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

// Subscribe checks the request, runs the key's hooks that come before the first event, and returns the
// subscription. The same key, params and filter return the subscription that is there already, or that another call waits for,
// with existed true and its own beginning, once a bus knows of it: if the bus was told to stop, this starts another one. A
// connection that the platform refused is tried again.
//
// When ctx ends, Subscribe returns. What the platform was asked by then for a new subscription goes on for up to 5 s, or is
// cut off if there are 16 such already; it is ended there as well, unless the same is subscribed to meanwhile. What may
// be left there is remembered by the bus, for the next consumer of the same.
//
// Errors are [*eventcore.Error]: unknown_key, invalid_params, invalid_filter, invalid_cursor, credentials_missing,
// permission_denied, platform_error, single_consumer, bus_unavailable.
func (c *Client) Subscribe(ctx context.Context, req Request) (sub *Subscription, existed bool, err error) {
	from, err := parseFrom(req.From)
	if err != nil {
		return nil, false, err
	}
	sub, err = c.define(ctx, req)
	if err != nil {
		return nil, false, err
	}
	for {
		own := &wish{from, time.Now()}
		p, found := c.enter(sub, own)
		if p == nil {
			return nil, false, errClosed
		}
		existed, err := c.await(ctx, p, own)
		missed := err != nil // who began to make it did not get it
		if found && !missed {
			err = c.establish(ctx, within(ctx), p.sub, from, true)
			missed = errors.Is(err, errLeft) // it has just been ended
		}
		c.leave(p, own, err == nil)
		switch {
		case err == nil:
			return p.sub, existed, nil
		case found && missed && ctx.Err() == nil && c.closed.Err() == nil:
			continue
		}
		return nil, false, err
	}
}

// idLength is what a subscription's ID usually has: a letter and 20 bits. It need not be more: no two of a client have the
// same at once.
const idLength = 5

// freeID returns the shortest beginning of a fingerprint that no other subscription has as its ID. Mu is held.
func (c *Client) freeID(fingerprint string) string {
	taken := map[string]bool{}
	for _, other := range c.subscribed {
		taken[other.sub.ID] = true
	}
	for n := idLength; ; n++ {
		if id := fingerprint[:n]; !taken[id] {
			return id
		}
	}
}

// define resolves a request against the registry.
func (c *Client) define(ctx context.Context, req Request) (*Subscription, error) {
	def, ok := eventcore.Lookup(req.Key)
	if !ok {
		return nil, eventcore.UnknownKey(req.Key)
	}
	params, err := eventcore.ResolveParams(def, req.Params)
	if err != nil {
		return nil, err
	}
	api := c.apiFor(def)
	if def.NormalizeParams != nil {
		if err := normalize(ctx, def, api, params); err != nil {
			return nil, err
		}
	}
	sub := newSubscription(def, params, strings.TrimSpace(req.Filter))
	sub.api, sub.later = api, c.later
	if sub.filter, err = CompileFilter(ctx, sub.Filter, def, c.opts.Sandbox); err != nil {
		return nil, err
	}
	return sub, nil
}

func normalize(ctx context.Context, def *eventcore.KeyDefinition, api eventcore.APIClient, params map[string]string) (err error) {
	defer recovered("NormalizeParams", def.Key, &err)
	if err := def.NormalizeParams(ctx, api, params); err != nil {
		return fmt.Errorf("normalize the params of %s: %w", def.Key, err)
	}
	return nil
}

// establish attaches to the bus, finds the start unless the subscription existed, and joins. The start is found
// before the platform side is made, so that nothing it brings is missed.
func (c *Client) establish(ctx context.Context, asking asking, sub *Subscription, from from, existed bool) error {
	before := c.liveLink()
	return c.onLink(ctx, mayStart, func(l *link) (err error) {
		// A fresh link's hello has asked for another try; on one that was there already nobody has.
		if state, _ := l.state(); l == before && state.Phase == source.Failed {
			if err := l.retrySource(ctx); err != nil {
				return err
			}
		}
		state := awaitOutcome(ctx, l)
		if state.Phase == source.Failed && from.now() {
			return refusal(state)
		}
		sub.warn(warnings(state))
		if !existed {
			if sub.Start, err = c.find(ctx, l, from); err != nil {
				return err
			}
		}
		return sub.join(ctx, asking, l)
	})
}

// awaitOutcome returns the source's state, after the first attempt to connect has ended or taken long.
func awaitOutcome(ctx context.Context, l *link) source.State {
	timer := time.NewTimer(sourceWait)
	defer timer.Stop()
	for {
		state, changed := l.state()
		if state.Phase != source.Connecting {
			return state
		}
		select {
		case <-changed:
		case <-timer.C:
			return state
		case <-l.done:
			return state
		case <-ctx.Done():
			return state
		}
	}
}

func refusal(state source.State) error {
	if state.Err != nil {
		return state.Err
	}
	return &eventcore.Error{
		Code: eventcore.CodePlatformError, Message: "the platform refused the long connection: " + state.Detail,
		Hint: "check the app's credentials and its settings in the developer console",
	}
}

// warnings are what a subscriber should know of the connection to the platform.
func warnings(state source.State) []string {
	var found []string
	switch state.Phase {
	case source.Connected:
	case source.Failed:
		refused := eventcore.AsError(refusal(state))
		text := fmt.Sprintf("Lark refused the connection (%s), and no attempt is made until something is subscribed to again; "+
			"only what the journal has can be read.", refused.Message)
		if refused.Hint != "" {
			text += " What helps: " + refused.Hint + "."
		}
		found = append(found, text)
	default:
		why := ""
		if state.Detail != "" {
			why = " (" + state.Detail + ")"
		}
		found = append(found, fmt.Sprintf("The connection to Lark is %s%s; events arrive once it is up.", state.Phase, why))
	}
	if state.OnlineConnections > 1 {
		found = append(found, fmt.Sprintf("This app has %d connections open, and Lark gives each event to only one of them: "+
			"some events go elsewhere. Stop the other programs that use this app.", state.OnlineConnections))
	}
	return found
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
// One that is gone already is done, whether or not it was subscribed to again. When ctx ends, Unsubscribe returns, and what
// the platform was asked by then goes on.
func (c *Client) Unsubscribe(ctx context.Context, sub *Subscription) (Cleanup, error) {
	c.mu.Lock()
	known := c.subs[sub.ID] == sub // another one may have the ID by now
	if known {
		delete(c.subs, sub.ID)
		delete(c.subscribed, sub.fingerprint)
	}
	c.mu.Unlock()
	if !known {
		return CleanupDone, nil
	}
	outcome, err := sub.leave(ctx, c.liveLink())
	if errors.Is(err, errTurn) {
		c.later(func() { c.undo(c.patience, sub) }) // once the bus knows of it
	}
	return outcome, err
}

// unsubscribeAll ends all subscriptions beside each other, and returns the first error.
func (c *Client) unsubscribeAll(ctx context.Context) error {
	c.mu.Lock()
	var subs []*Subscription
	for _, sub := range c.subs {
		subs = append(subs, sub)
	}
	c.mu.Unlock()
	var leaving sync.WaitGroup
	errs := make([]error, len(subs))
	for i, sub := range subs {
		leaving.Go(func() { _, errs[i] = c.Unsubscribe(ctx, sub) })
	}
	leaving.Wait()
	return errors.Join(errs...)
}

// rejoin makes a new bus know of the subscriptions that an earlier one had, and reports whether it does of all.
func (c *Client) rejoin(ctx context.Context, l *link) (all bool) {
	c.mu.Lock()
	var subs []*Subscription
	for _, sub := range c.subs {
		subs = append(subs, sub)
	}
	c.mu.Unlock()
	all = true
	for _, sub := range subs {
		err := sub.join(ctx, within(ctx), l)
		if err == nil || errors.Is(err, errLeft) {
			continue
		}
		all = false
		if ctx.Err() == nil && l.alive() {
			c.log.Warn("a subscription could not be made again after the bus was lost; trying again", "key", sub.Key.Key, "error", err)
		}
	}
	return all
}

func (c *Client) hasSubscriptions() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subs) > 0
}
