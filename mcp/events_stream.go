package mcp

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

const eventsStreamMethod = "events/stream"

const (
	// heartbeatTime is how long a read waits for events, after which a heartbeat tells how far it has looked.
	heartbeatTime = 15 * time.Second
	// heartbeatLimit is the longest silence: a read that does not come back, because the bus is being started or a
	// lookup takes its time, is not waited for.
	heartbeatLimit = 25 * time.Second
	// streamPage bounds what is read ahead of a client that does not read.
	streamPage = 20
)

// ended is the result of a stream that the server ends.
type ended struct{ mcpgo.Result }

// streamEvents answers events/stream: it tells of events until the client cancels or goes, or the server ends, and
// answers only then. What it tells goes through c.out and waits for the client to read.
func streamEvents(ctx context.Context, s *Session, c *call, msg message) (mcpgo.ResultMetadata, error) {
	args, err := decodeParams(msg, interestParams())
	if err != nil {
		return nil, err
	}
	in, err := args.interest()
	if err != nil {
		return nil, err
	}
	// The end of the input ends streams as it ends waiting polls.
	ctx, release := endWithAny(ctx, s.draining)
	defer release()
	feed, err := s.server.hub.follow(ctx, s.principal, in)
	if err == nil {
		defer feed.release()
		st := &eventStream{session: s, out: c.out, id: msg.id, feed: feed}
		var truncated bool
		if st.cursor, truncated, err = feed.locate(ctx, in.cursor, in.maxAge); err == nil {
			st.run(ctx, truncated)
		}
	}
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	return &ended{mcpgo.Result{Meta: &mcpgo.Meta{}}}, nil
}

// follow opens a feed for a stream. A key that can have one consumer is taken over from the same principal's polls.
func (h *eventHub) follow(ctx context.Context, principal string, in interest) (*feed, error) {
	if in.def.SingleConsumer {
		if f := h.take(principal, in); f != nil {
			return f, nil
		}
	}
	return h.open(ctx, in, 1)
}

// eventStream is one events/stream request under way. It belongs to the request's goroutine.
type eventStream struct {
	session *Session
	out     sender
	id      json.RawMessage // of the request, as the client wrote it
	feed    *feed
	cursor  eventcore.Cursor // everything up to it was told, or did not match
	told    time.Time        // when something was told last
	trouble string           // the failure that was told of, until it has passed
	pause   time.Duration    // before the next read
}

// streamRead is the outcome of one read.
type streamRead struct {
	page *consume.Page
	err  error
}

// run tells of events until ctx ends, the connection is gone, or the stream is over for good.
func (st *eventStream) run(ctx context.Context, truncated bool) {
	var reader sync.WaitGroup
	defer reader.Wait()
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	st.feed.setGiven(st.cursor)
	if !st.active(ctx, st.cursor, truncated) {
		return
	}
	for {
		read := make(chan streamRead, 1)
		from, pause := st.cursor, st.pause
		reader.Go(func() { read <- st.read(reading, from, pause) })
		outcome, ok := st.await(ctx, read)
		if !ok || !st.deliver(ctx, outcome) {
			return
		}
	}
}

func (st *eventStream) read(ctx context.Context, from eventcore.Cursor, pause time.Duration) streamRead {
	sleep(ctx, pause)
	page, err := st.feed.read(ctx, from, streamPage, heartbeatTime)
	return streamRead{page, err}
}

// await returns what was read, and keeps the client informed that the stream lives meanwhile.
func (st *eventStream) await(ctx context.Context, read <-chan streamRead) (streamRead, bool) {
	for {
		quiet := time.NewTimer(time.Until(st.told.Add(heartbeatLimit)))
		select {
		case outcome := <-read:
			quiet.Stop()
			return outcome, ctx.Err() == nil
		case <-ctx.Done():
			quiet.Stop()
			return streamRead{}, false
		case <-quiet.C:
			if !st.heartbeat(ctx) {
				return streamRead{}, false
			}
		}
	}
}

// deliver tells of what was read; false ends the stream.
func (st *eventStream) deliver(ctx context.Context, read streamRead) bool {
	if read.err != nil {
		st.pause = min(max(2*st.pause, minPushBackoff), maxPushBackoff)
		return st.failed(ctx, "read", asUserError(read.err))
	}
	page := read.page
	st.pause = 0
	if page.Truncated && !st.gap(ctx) {
		return false
	}
	counts, key := &st.session.server.metrics, st.feed.sub.Key.Key
	for _, event := range page.Events {
		if !st.tell(ctx, "event", pushed(event, st.id)) {
			return false
		}
		counts.delivered(byStream, key, event.Received, event.Err != nil)
		st.advance(event.Cursor)
	}
	counts.filtered(byStream, key, page.Filtered[0])
	if len(page.Events) == 0 && page.Next[0] == st.cursor && time.Since(st.told) < heartbeatTime {
		st.pause = minPushBackoff // a wait that was cut short for no reason must not make the loop spin
	}
	st.advance(page.Next[0])
	if !st.checkSource(ctx, page) {
		return false
	}
	return time.Since(st.told) < heartbeatTime || st.heartbeat(ctx)
}

// advance moves behind what was told, or did not match.
func (st *eventStream) advance(to eventcore.Cursor) {
	st.cursor = to
	st.feed.setGiven(to)
}

// gap tells that events have left the journal before they were told. What is retained follows.
func (st *eventStream) gap(ctx context.Context) bool {
	cursor := st.cursor
	if start, left, err := st.feed.locate(ctx, &cursor, 0); err == nil && left {
		cursor = start
	}
	return st.active(ctx, cursor, true)
}

// checkSource tells of what keeps events from coming. A connection that the platform refused for good ends the stream
// once it has told all there is: only a new request makes another attempt.
func (st *eventStream) checkSource(ctx context.Context, page *consume.Page) bool {
	problem := st.feed.sub.Problem()
	switch state := page.Source; {
	case state.Phase == source.Failed && len(page.Events) == 0:
		st.tell(ctx, "terminated", st.problem(sourceError(state)))
		return false
	case problem != nil:
		return st.failed(ctx, "subscription", asUserError(problem))
	case state.Phase == source.Reconnecting:
		return st.failed(ctx, "source", sourceError(state))
	case state.Unstored != "":
		p := unstored(state.Unstored)
		return st.failed(ctx, "storage", &eventcore.Error{Code: eventcore.CodeBusUnavailable, Message: p.Message, Hint: p.Hint})
	}
	st.trouble = ""
	return true
}

// sourceError says what is wrong with the connection to the platform, as event_status does.
func sourceError(state source.State) *eventcore.Error {
	problem := sourceProblems(state)[0]
	e := &eventcore.Error{Code: eventcore.CodePlatformError, Message: problem.Message, Hint: problem.Hint}
	if state.Err != nil {
		e.Code = state.Err.Code
	}
	return e
}

// failed tells of a failure that passes by itself, once while it lasts.
func (st *eventStream) failed(ctx context.Context, what string, err *eventcore.Error) bool {
	if trouble := what + " " + string(err.Code); trouble != st.trouble {
		st.trouble = trouble
		return st.tell(ctx, "error", st.problem(err))
	}
	return true
}

func (st *eventStream) active(ctx context.Context, cursor eventcore.Cursor, truncated bool) bool {
	return st.tell(ctx, "active", map[string]any{"cursor": cursor.String(), "truncated": truncated, "_meta": st.meta()})
}

func (st *eventStream) heartbeat(ctx context.Context) bool {
	return st.tell(ctx, "heartbeat", map[string]any{"cursor": st.cursor.String(), "_meta": st.meta()})
}

func (st *eventStream) problem(err error) map[string]any {
	return map[string]any{"error": eventsError(err), "_meta": st.meta()}
}

func (st *eventStream) meta() map[string]any {
	return map[string]any{mcpgo.MetaKeySubscriptionID: st.id}
}

// tell sends one of the stream's notifications, and waits until the client's reading makes room. False means that there
// is nobody to tell any more.
func (st *eventStream) tell(ctx context.Context, what string, params any) bool {
	if ctx.Err() != nil {
		return false
	}
	line, err := encodeNotification("notifications/events/"+what, params)
	if err != nil {
		st.session.logger.Error("a notification could not be encoded", "key", st.feed.sub.Key.Key, "error", err)
		return true
	}
	if st.out.send(ctx, line) != nil {
		return false
	}
	st.told = time.Now()
	return true
}
