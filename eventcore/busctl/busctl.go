// Package busctl asks a running bus for its status, and tells it to stop, over the wire.
//
// It attaches no consumer, keeps no bus running and starts none. The command line calls it.
package busctl

import (
	"context"
	"fmt"
	"os"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// Status returns what the bus of an app tells of itself. The error wraps transport.ErrNoBus if none listens.
func Status(ctx context.Context, app statedir.App) (*protocol.Status, error) {
	answer, err := ask(ctx, app, protocol.Request{ID: 1, Status: &protocol.Empty{}})
	if err != nil {
		return nil, fmt.Errorf("ask the bus of %s for its status: %w", app.ID, err)
	}
	return answer.Status, nil
}

// Stop tells the bus of an app to end. It returns when the bus has said that it does, and does not wait for its
// end. The error wraps transport.ErrNoBus if none listens.
func Stop(ctx context.Context, app statedir.App) error {
	if _, err := ask(ctx, app, protocol.Request{ID: 1, Stop: &protocol.Empty{}}); err != nil {
		return fmt.Errorf("stop the bus of %s: %w", app.ID, err)
	}
	return nil
}

// ask sends one request on a connection of its own and returns the answer.
func ask(ctx context.Context, app statedir.App, req protocol.Request) (*protocol.Response, error) {
	conn, err := transport.Dial(ctx, app.Socket())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	out, in := protocol.NewWriter(conn), protocol.NewReader(conn, protocol.MaxResponseLine)
	hello := &protocol.Hello{Version: protocol.Version, Role: protocol.RoleControl, Name: "control", PID: os.Getpid()}
	if err := out.Write(protocol.Request{Hello: hello}); err != nil {
		return nil, err
	}
	if err := out.Write(req); err != nil {
		return nil, err
	}
	for {
		var answer protocol.Response
		if err := in.Read(&answer); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, err
		}
		switch {
		case answer.Error != nil:
			return nil, answer.Error
		case answer.ID == req.ID:
			return &answer, nil
		}
	}
}
