package consume

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// Locate returns where a reading of the subscription begins that asks for what comes after a cursor, nil for now, and,
// with a maxAge above zero, for nothing that arrived longer ago than that. truncated means that events after the
// cursor are left out: they are no longer retained, the cursor is of another journal, or they are older than maxAge.
// Errors are those of [Client.Read].
func (c *Client) Locate(ctx context.Context, sub *Subscription, cursor *eventcore.Cursor, maxAge time.Duration) (start eventcore.Cursor, truncated bool, err error) {
	err = c.onLink(ctx, mayRestart, func(l *link) error {
		head, err := seekTo(ctx, l, &protocol.Seek{Head: true})
		if err != nil {
			return err
		}
		if cursor == nil {
			start = l.cursor(head)
			return nil
		}
		oldest, err := seekTo(ctx, l, &protocol.Seek{})
		if err != nil {
			return err
		}
		after := cursor.After
		if truncated = cursor.Journal != l.welcome.Journal || after < oldest || after > head; truncated {
			after = oldest
		}
		if maxAge > 0 {
			recent, err := seekTo(ctx, l, &protocol.Seek{Time: time.Now().Add(-maxAge)})
			if err != nil {
				return err
			}
			skipped, err := sub.liesBetween(ctx, l, after, recent)
			if err != nil {
				return err
			}
			after, truncated = max(after, recent), truncated || skipped
		}
		start = l.cursor(after)
		return nil
	})
	return start, truncated, err
}

// liesBetween reports whether an event of the subscription's type lies between two positions.
func (s *Subscription) liesBetween(ctx context.Context, l *link, after, until eventcore.Position) (bool, error) {
	if after >= until {
		return false, nil
	}
	answer, err := l.call(ctx, protocol.Request{Fetch: &protocol.Fetch{After: after, Types: []string{s.eventType}, Max: 1}})
	if err != nil {
		return false, err
	}
	events := answer.Batch.Events
	return len(events) > 0 && events[0].Position <= until, nil
}

// Normalize checks params as [Client.Subscribe] does and returns them resolved and normalized: equal results mean the
// same subscription. It asks no bus; the key's hook may call the platform.
func (c *Client) Normalize(ctx context.Context, key string, params map[string]any) (map[string]string, error) {
	sub, err := c.define(ctx, Request{Key: key, Params: params})
	if err != nil {
		return nil, err
	}
	return sub.Params, nil
}
