package mcp

import (
	"context"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// pollPause is how long a client is asked to wait before it polls again, when it has read all there is.
const pollPause = 5 * time.Second

type eventPage struct {
	mcpgo.Result
	Events     []occurrence `json:"events"`
	Cursor     string       `json:"cursor"`
	Truncated  bool         `json:"truncated"`
	HasMore    bool         `json:"hasMore"`
	NextPollMs int64        `json:"nextPollMs"`
}

// pollEvent answers events/poll. It never waits for an event, and remembers nothing but a lease: the subscription stays
// for a while, and the next poll of the same finds it.
func pollEvent(ctx context.Context, s *Session, c *call, msg message) (mcpgo.ResultMetadata, error) {
	args, err := decodeParams(msg, append(interestParams(), maxEventsParam()))
	if err != nil {
		return nil, err
	}
	in, err := args.interest()
	if err != nil {
		return nil, err
	}
	hub := s.server.hub
	feed, err := hub.borrow(ctx, s.principal, in)
	if err != nil {
		return nil, err
	}
	page, err := feed.page(ctx, c, in, min(args.integer("maxEvents"), consume.MaxPage))
	if ctx.Err() == nil && (err != nil || feed.sub.Problem() != nil) {
		feed.release() // the next poll subscribes anew, which starts what is missing or says why that cannot be
	} else {
		hub.park(s.principal, in, feed)
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// page reads what an interest asks for. That the platform refused the connection for good is an error, once everything
// that is there has been read. What the client is given counts once c is answered.
func (f *feed) page(ctx context.Context, c *call, in interest, limit int) (*eventPage, error) {
	start, truncated, err := f.locate(ctx, in.cursor, in.maxAge)
	if err != nil {
		return nil, err
	}
	result := &eventPage{Events: []occurrence{}, Cursor: start.String(), Truncated: truncated, NextPollMs: pollPause.Milliseconds()}
	if in.cursor == nil {
		c.whenSettled(func(answered bool) {
			if answered {
				f.setGiven(start)
			}
		})
		return result, nil
	}
	page, err := f.read(ctx, start, limit, 0)
	if err != nil {
		return nil, err
	}
	if page.Source.Phase == source.Failed && len(page.Events) == 0 {
		return nil, sourceError(page.Source) // an empty page would look like a quiet day
	}
	c.whenSettled(func(answered bool) {
		if answered {
			f.polled(page)
		}
	})
	for _, event := range page.Events {
		result.Events = append(result.Events, newOccurrence(event))
	}
	result.Cursor, result.HasMore = page.Next[0].String(), page.HasMore
	result.Truncated = truncated || page.Truncated
	if page.HasMore {
		result.NextPollMs = 0
	}
	return result, nil
}
