package bus

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// errRefused ends a bus that the platform refused, so that one with other credentials can start.
var errRefused = errors.New("the platform refused this bus, and a consumer came with other credentials")

// admit checks a hello against what this bus can serve. It returns errRefused, which is not told to the consumer
// but ends the connection, so that it tries again.
func (b *Bus) admit(hello *protocol.Hello) error {
	if hello.Version != protocol.Version && hello.Role != protocol.RoleControl {
		return &eventcore.Error{
			Code: eventcore.CodeBusUnavailable,
			Message: fmt.Sprintf("the running bus (process %d, version %s) speaks protocol %d, this program speaks %d",
				b.pid(), b.opts.Binary, protocol.Version, hello.Version),
			Hint: "run lark-events-mcp stop, and try again; the next bus is of this program's version",
		}
	}
	if err := b.tryAgain(hello); err != nil {
		return err
	}
	if hello.Role == protocol.RoleConsumer && hello.Domain != "" && b.opts.Domain != "" && hello.Domain != b.opts.Domain {
		return otherPlatform(b.pid(), b.opts.Domain, hello.Domain)
	}
	return nil
}

// tryAgain lets a source that was refused try again for a consumer. If the consumer has other credentials, a bus of its
// own does so: this one ends, and errRefused is returned. A consumer without a secret counts as well: it is told what
// it lacks when it starts a bus.
func (b *Bus) tryAgain(hello *protocol.Hello) error {
	if state, _ := b.source.get(); state.Phase != source.Failed || hello.Role != protocol.RoleConsumer {
		return nil
	}
	if hello.Credentials != b.opts.Credentials {
		b.stop(errRefused)
		return errRefused
	}
	b.source.askRetry()
	return nil
}

// otherPlatform refuses a consumer whose hooks would call one platform about the events of another.
func otherPlatform(pid int, bus, consumer string) error {
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the running bus of this app (process %d) listens to %s, this program is set to %s", pid, bus, consumer),
		Hint:    "set LARK_DOMAIN alike for all programs of the app; if it is the bus's that is wrong, run lark-events-mcp stop, and try again",
	}
}

// handle answers a request, or starts what will.
func (c *conn) handle(ctx context.Context, req *protocol.Request) {
	switch {
	case req.Cancel != 0:
		c.cancel(req.Cancel)
	case req.Release != nil:
		// In order with the requests around it, so that a release and an acquire of the same holder cannot swap.
		last := c.bus.scopes.release(holder{c, req.Release.Holder}, req.Release.Identity)
		c.reply(protocol.Response{ID: req.ID, Released: &protocol.Released{Last: last}})
	case req.Settle != nil:
		c.bus.scopes.settle(holder{c, req.Settle.Holder}, req.Settle)
		c.reply(protocol.Response{ID: req.ID, Done: &protocol.Empty{}})
	case req.Retry != nil:
		if c.bus.tryAgain(&c.hello) == nil { // otherwise the connection's end tells
			c.tellState(req.ID)
		}
	case req.Stop != nil:
		c.reply(protocol.Response{ID: req.ID, Done: &protocol.Empty{}})
		c.bus.stop(errStopped)
	default:
		c.start(ctx, req)
	}
}

// start runs a request that may wait in a goroutine of its own.
func (c *conn) start(ctx context.Context, req *protocol.Request) {
	if err := checkTypes(req); err != nil {
		c.reply(protocol.Response{ID: req.ID, Error: eventcore.AsError(err)})
		return
	}
	if req.Fetch != nil {
		bound(req.Fetch)
		if c.fetchRecent(req.ID, req.Fetch) {
			return
		}
	}
	reqCtx, end, err := c.begin(ctx, req.ID)
	if err != nil {
		c.reply(protocol.Response{ID: req.ID, Error: eventcore.AsError(err)})
		return
	}
	c.work.Go(func() {
		defer end()
		if req.Fetch != nil {
			c.fetch(reqCtx, req.ID, req.Fetch)
			return
		}
		answer := c.answer(reqCtx, req)
		if answer.Error != nil && ctx.Err() != nil {
			return // the connection's end tells, so that the consumer asks the next bus
		}
		answer.ID = req.ID
		c.reply(answer)
	})
}

// checkTypes refuses a request for more event types than a journal can look for at once.
func checkTypes(req *protocol.Request) error {
	n := 0
	switch {
	case req.Fetch != nil:
		n = len(req.Fetch.Types)
	case req.Count != nil:
		n = len(req.Count.Types)
	}
	if n <= protocol.MaxTypes {
		return nil
	}
	return &eventcore.Error{
		Code:    eventcore.CodeLimitReached,
		Message: fmt.Sprintf("a request is for %d event types, at most %d can be asked for at once", n, protocol.MaxTypes),
		Hint:    "ask in several requests, or for all types by naming none",
	}
}

// answer computes the answer to a request other than a fetch.
func (c *conn) answer(ctx context.Context, req *protocol.Request) protocol.Response {
	var answer protocol.Response
	var err error
	switch {
	case req.Acquire != nil:
		var acquired protocol.Acquired
		acquired, err = c.bus.scopes.acquire(ctx, holder{c, req.Acquire.Holder}, req.Acquire)
		answer.Acquired = &acquired
	case req.Seek != nil:
		var after eventcore.Position
		after, err = c.bus.seek(ctx, req.Seek)
		answer.Position = &protocol.Position{After: after}
	case req.Count != nil:
		var n int
		n, err = c.bus.journal.Count(ctx, req.Count.After, req.Count.Types)
		answer.Counted = &protocol.Counted{Events: n}
	case req.Status != nil:
		answer.Status, err = c.bus.status(ctx)
	default:
		err = &eventcore.Error{
			Code: eventcore.CodeBusUnavailable, Message: "the bus does not know this request",
			Hint: "its version is older than this program's; run lark-events-mcp stop, and try again",
		}
	}
	if err != nil {
		return protocol.Response{Error: eventcore.AsError(err)}
	}
	return answer
}

// seek finds the position that seek describes.
func (b *Bus) seek(ctx context.Context, seek *protocol.Seek) (eventcore.Position, error) {
	if seek.Head {
		return b.journal.Head(ctx) // what is published is behind it for a moment, and cursors may not be
	}
	if seek.Time.IsZero() {
		return b.journal.Oldest(ctx)
	}
	return b.journal.SeekTime(ctx, seek.Time)
}

// reply writes an answer; a connection that cannot be written to ends by itself.
func (c *conn) reply(answer protocol.Response) {
	if err := c.out.Write(answer); err != nil {
		c.net.Close()
	}
}

func (b *Bus) pid() int { return os.Getpid() }
