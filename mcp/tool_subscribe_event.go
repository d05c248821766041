package mcp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

func subscribeEvent() tool {
	return tool{
		name:  "subscribe_event",
		title: "Subscribe to events",
		description: "Start listening to a key; returns the subscription_id for poll_events. The same key, params and filter " +
			"return the same subscription. Events count from now on, unless from says otherwise.",
		arguments: []argument{
			{name: "key", kind: kindText, required: true, description: "an event key"},
			{name: "params", kind: kindObject, description: "as describe_event_key's params_schema says"},
			// The length is checked where the filter is compiled, so that there is one limit and one error.
			{name: "filter", kind: kindText, maxText: maxLineBytes,
				description: `jq expression on data, e.g. .chat_type == "p2p"; false, null or empty drops the event`},
			{name: "from", kind: kindText, description: "now (default), earliest, a cursor, or an age such as 30m"},
			{name: "push", kind: kindText, values: pushModes(),
				description: "how to be notified, if not as the server is set up; off means polling only"},
		},
		output: outputSchema(`"subscription_id":{"type":"string"},"key":{"type":"string"},"params":{"type":"object"},`+
			`"cursor":{"type":"string"},"push":{"type":"object","properties":{"mode":{"type":"string"},"detail":{"type":"string"}}},`+
			`"source":{"type":"object","properties":{"state":{"type":"string"},"detail":{"type":"string"}}},`+
			`"warnings":{"type":"array","items":{"type":"string"}}`, "subscription_id", "cursor"),
		annotations: mcpgo.ToolAnnotation{
			ReadOnlyHint: new(false), DestructiveHint: new(false), IdempotentHint: new(true), OpenWorldHint: new(true),
		},
		run: runSubscribeEvent,
	}
}

type subscribeResult struct {
	SubscriptionID string         `json:"subscription_id"`
	Key            string         `json:"key"`
	Params         map[string]any `json:"params"`
	Cursor         string         `json:"cursor"`
	Push           pushView       `json:"push"`
	Source         sourceView     `json:"source"`
	Warnings       []string       `json:"warnings"`
}

// pushView says what happens when an event arrives, as things stand.
type pushView struct {
	Mode   PushMode `json:"mode"`
	Detail string   `json:"detail"`
}

// sourceView is the state of the connection to the platform.
type sourceView struct {
	State  source.Phase `json:"state"`
	Detail string       `json:"detail,omitempty"`
}

func viewSource(state source.State) sourceView {
	if state.Phase == "" {
		// Nothing was heard of it yet: the bus is just being asked.
		state.Phase = source.Connecting
	}
	return sourceView{state.Phase, state.Detail}
}

func runSubscribeEvent(ctx context.Context, s *Session, args arguments) (any, error) {
	push, err := s.chosenPush(args)
	if err != nil {
		return nil, err
	}
	// An unknown key needs no bus to say so.
	if _, ok := eventcore.Lookup(args.text("key")); !ok {
		return nil, eventcore.UnknownKey(args.text("key"))
	}
	if err := s.checkRoom(args.text("key"), args.text("filter")); err != nil {
		return nil, err
	}
	consumer, err := s.consumer()
	if err != nil {
		return nil, err
	}
	sub, existed, err := s.subscribe(ctx, consumer, push, consume.Request{
		Key: args.text("key"), Params: args.object("params"), Filter: args.text("filter"), From: args.text("from"),
	})
	if err != nil {
		return nil, err
	}
	result := &subscribeResult{
		SubscriptionID: sub.ID, Key: sub.Key.Key, Params: eventcore.TypedParams(sub.Key, sub.Params),
		Cursor: sub.at().String(), Push: s.describePush(sub), Source: viewSource(consumer.Source()),
		Warnings: append([]string{}, sub.Warnings()...),
	}
	if existed && args.has("from") {
		result.Warnings = append(result.Warnings,
			"the subscription was there already and from was ignored; to read older events, pass a cursor to poll_events")
	}
	return result, nil
}

// chosenPush returns the mode for a new subscription, empty if the call leaves it open.
func (s *Session) chosenPush(args arguments) (PushMode, error) {
	mode, set := PushMode(args.text("push")), s.server.opts.Push
	if mode == "" || set.allows(mode) {
		return mode, nil
	}
	allowed := slices.DeleteFunc(pushModes(), func(v eventcore.ParamValue) bool { return !set.allows(PushMode(v.Value)) })
	return "", invalidArgument("push", fmt.Sprintf("cannot be %s: the server runs with --push %s", mode, set),
		"leave push out, or use one of the allowed modes", allowed)
}

// checkRoom refuses a subscription beyond the limit before anything is done for it. What looks like one that is
// there already is let through, because asking again is free.
func (s *Session) checkRoom(key, filter string) error {
	present := s.subs.all()
	if len(present) < maxSubscriptions {
		return nil
	}
	for _, sub := range present {
		if sub.Key.Key == key && sub.Filter == filter {
			return nil
		}
	}
	return limitReached()
}

func limitReached() error {
	return &eventcore.Error{
		Code:    eventcore.CodeLimitReached,
		Message: fmt.Sprintf("this session has %d subscriptions, the most it may have", maxSubscriptions),
		Hint:    "end one with unsubscribe_event (event_status lists them), or use one subscription with wider params",
	}
}

// subscribe makes a subscription, or finds the one that is there. existed means that another call has it, or waits for it.
func (s *Session) subscribe(ctx context.Context, consumer Consumer, push PushMode, req consume.Request) (sub *subscription, existed bool, err error) {
	release := s.endings.begin()
	defer release()
	for {
		var made *consume.Subscription
		if made, existed, err = consumer.Subscribe(ctx, req); err != nil {
			return nil, false, err
		}
		entered, err := s.endings.enter(ctx, made, func() { sub = s.addSubscription(consumer, made, push) })
		switch {
		case err != nil:
			return nil, false, err
		case !entered:
			continue // it has ended by now; the next one is another
		case sub == nil:
			s.refuse(ctx, consumer, made)
			return nil, false, limitReached()
		}
		return sub, existed, nil
	}
}

var errEntered = errors.New("another call has entered the subscription")

// refuse ends a subscription for which the session had no room, unless another call that was given it found some.
func (s *Session) refuse(ctx context.Context, consumer Consumer, made *consume.Subscription) {
	over, err := s.endings.end(func() (*consume.Subscription, error) {
		if present, ok := s.subs.get(made.ID); ok && present.Subscription == made {
			return nil, errEntered
		}
		return made, nil
	})
	if err != nil {
		return
	}
	defer over()
	if _, err := consumer.Unsubscribe(context.WithoutCancel(ctx), made); err != nil {
		s.logger.Warn("a subscription beyond the limit could not be ended", "key", made.Key.Key, "error", err)
	}
}

// addSubscription enters a subscription into the session, or returns the one that is there; nil if the session has
// its fill.
func (s *Session) addSubscription(consumer Consumer, made *consume.Subscription, push PushMode) *subscription {
	pushing, stop := context.WithCancel(s.life)
	sub := &subscription{
		Subscription: made, push: push, stopPush: stop, position: made.Start, seen: made.Start,
	}
	present, added := s.subs.add(sub)
	if !added {
		stop()
		if present != nil && push != "" {
			present.setPush(push)
			s.audience.fire()
		}
		return present
	}
	s.workers.Go(func() { s.pushEvents(pushing, consumer, sub) })
	s.changed.fire()
	s.resourceListChanged()
	return sub
}
