package consume

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// from is a parsed [Request.From]: at most one field is set, none means now.
type from struct {
	earliest bool
	age      time.Duration
	cursor   *eventcore.Cursor
}

func (f from) now() bool { return f == from{} }

// parseFrom reads now, earliest, a cursor or an age.
func parseFrom(text string) (from, error) {
	switch {
	case text == "" || text == "now":
		return from{}, nil
	case text == "earliest":
		return from{earliest: true}, nil
	case eventcore.IsCursor(text):
		cursor, err := eventcore.ParseCursor(text)
		return from{cursor: &cursor}, err
	}
	age, err := ParseAge(text)
	if err != nil || age <= 0 {
		return from{}, &eventcore.Error{
			Code:    eventcore.CodeInvalidCursor,
			Message: fmt.Sprintf("from %.80q is no place to begin", text),
			Hint:    "use now, earliest, a cursor as a result gave it, or an age such as 30m, 12h or 2d",
		}
	}
	return from{age: age}, nil
}

// ParseAge reads a duration as time.ParseDuration does, and days, such as 2d.
func ParseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// find returns the cursor where a subscription begins.
func (c *Client) find(ctx context.Context, l *link, f from) (eventcore.Cursor, error) {
	if f.cursor != nil {
		return *f.cursor, nil
	}
	seek := &protocol.Seek{Head: f.now()}
	if f.age > 0 {
		seek.Time = time.Now().Add(-f.age)
	}
	after, err := seekTo(ctx, l, seek)
	return l.cursor(after), err
}

// positionOf returns the position of a cursor in the journal behind l; foreign is true, and the position is the
// oldest, if the cursor is of another journal.
func (c *Client) positionOf(ctx context.Context, l *link, cursor eventcore.Cursor) (after eventcore.Position, foreign bool, err error) {
	if cursor.Journal == l.welcome.Journal {
		return cursor.After, false, nil
	}
	after, err = seekTo(ctx, l, &protocol.Seek{})
	return after, true, err
}

func seekTo(ctx context.Context, l *link, seek *protocol.Seek) (eventcore.Position, error) {
	answer, err := l.call(ctx, protocol.Request{Seek: seek})
	if err != nil {
		return 0, err
	}
	return answer.Position.After, nil
}
