package mcp

import (
	"context"
)

func eventStatus() tool {
	return tool{
		name:  "event_status",
		title: "Status",
		description: "What is connected, what this session is subscribed to and how many events wait (behind), and problems with a hint " +
			"each. Call it when events do not come or a call failed.",
		output: outputSchema(`"app":{"type":"object"},"bus":{"type":"object","properties":{"running":{"type":"boolean"}}},`+
			`"source":{"type":"object","properties":{"state":{"type":"string"}}},"journal":{"type":"object"},`+
			`"subscriptions":{"type":"array","items":{"type":"object","properties":{"subscription_id":{"type":"string"},"key":{"type":"string"},`+
			`"params":{"type":"object"},"cursor":{"type":"string"},"behind":{"type":"integer"},"delivered":{"type":"integer"},`+
			`"filtered":{"type":"integer"},"failed":{"type":"integer"},"withheld":{"type":"integer"},"last_event_at":{"type":"string"}}}},`+
			`"problems":{"type":"array","items":{"type":"object","properties":{"code":{"type":"string"},"message":{"type":"string"},`+
			`"hint":{"type":"string"}}}}`, "bus", "subscriptions", "problems"),
		annotations: lookingOnly(true),
		run: func(ctx context.Context, s *Session, _ arguments) (any, error) {
			return s.status(ctx), nil
		},
	}
}
