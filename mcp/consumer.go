package mcp

import (
	"context"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// Consumer is what a session needs of a [consume.Client], which says what each method does. All methods may be
// called from many goroutines at once.
type Consumer interface {
	Subscribe(ctx context.Context, req consume.Request) (sub *consume.Subscription, existed bool, err error)
	Unsubscribe(ctx context.Context, sub *consume.Subscription) (consume.Cleanup, error)
	Read(ctx context.Context, at []consume.At, limit consume.Limit, wait time.Duration) (*consume.Page, error)
	Locate(ctx context.Context, sub *consume.Subscription, cursor *eventcore.Cursor, maxAge time.Duration) (start eventcore.Cursor, truncated bool, err error)
	Normalize(ctx context.Context, key string, params map[string]any) (map[string]string, error)
	Behind(ctx context.Context, at consume.At) (int, error)
	Source() source.State
	NextSource(ctx context.Context, last source.State) (source.State, error)
	Status(ctx context.Context) (*protocol.Status, error)
	Close(ctx context.Context) error
}

var _ Consumer = (*consume.Client)(nil)
