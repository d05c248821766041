package mcp

import (
	"context"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// cleanupTimeout bounds a cleanup on the platform.
const cleanupTimeout = 30 * time.Second

func unsubscribeEvent() tool {
	return tool{
		name:        "unsubscribe_event",
		title:       "End a subscription",
		description: "Stop listening. Unread events of the subscription are no longer to be had here. All subscriptions end with the session.",
		arguments: []argument{
			{name: "subscription_id", kind: kindText, required: true, description: "as subscribe_event returned it"},
		},
		output: outputSchema(`"subscription_id":{"type":"string"},"cleanup":{"enum":["done","not_last","failed"],`+
			`"description":"of the subscription on the platform; not_last: others on this machine use it"},"detail":{"type":"string"}`,
			"subscription_id", "cleanup"),
		annotations: mcpgo.ToolAnnotation{
			ReadOnlyHint: new(false), DestructiveHint: new(true), IdempotentHint: new(false), OpenWorldHint: new(true),
		},
		run: runUnsubscribeEvent,
	}
}

type unsubscribeResult struct {
	SubscriptionID string          `json:"subscription_id"`
	Cleanup        consume.Cleanup `json:"cleanup"`
	Detail         string          `json:"detail,omitempty"`
}

func runUnsubscribeEvent(ctx context.Context, s *Session, args arguments) (any, error) {
	consumer, err := s.consumer()
	if err != nil {
		return nil, err
	}
	var sub *subscription
	over, err := s.endings.end(func() (*consume.Subscription, error) {
		var err error
		if sub, err = s.subscription(args.text("subscription_id")); err != nil {
			return nil, err
		}
		s.subs.remove(sub)
		return sub.Subscription, nil
	})
	if err != nil {
		return nil, err
	}
	defer over()
	sub.stopPush()
	s.forgetResource(sub.uri())
	s.changed.fire()
	s.resourceListChanged()

	// From here on it is gone for the client, so the cleanup runs to its end even if the call is cancelled.
	cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	cleanup, err := consumer.Unsubscribe(cleaning, sub.Subscription)
	result := &unsubscribeResult{SubscriptionID: sub.ID, Cleanup: cleanup}
	if err != nil {
		result.Cleanup = consume.CleanupFailed
		result.Detail = eventcore.AsError(err).Error()
	}
	return result, nil
}
