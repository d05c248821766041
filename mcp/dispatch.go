package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// answer handles one message and returns the line to answer with, nil if there is none. It is the same for every
// transport. The caller settles c once it is decided whether the client gets the answer.
func (s *Session) answer(ctx context.Context, c *call, msg message) (line []byte) {
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("a handler panicked", "method", msg.method, "panic", r, "stack", string(debug.Stack()))
			c.failed = true
			line = encodeError(msg.id, &rpcError{Code: mcpgo.INTERNAL_ERROR,
				Message: fmt.Sprintf("internal error in %s; the server's log has the details", clip(msg.method, 100))})
		}
	}()
	if problem := refuseCursor(msg); problem != nil {
		return encodeError(msg.id, problem)
	}
	if looksAtKeys(msg.method) {
		s.server.fill()
	}
	if problem := s.refusePrompt(msg); problem != nil {
		return encodeError(msg.id, problem)
	}
	ctx = withCall(ctx, c)
	var reply mcpgo.JSONRPCMessage
	if msg.method == string(mcpgo.MethodSubscriptionsListen) && msg.isRequest() {
		reply = s.listen(ctx, c, msg)
	} else if method := eventsMethod(msg); method != nil {
		reply = s.answerEvents(ctx, c, msg, method)
	} else {
		reply = s.server.mcp.HandleMessage(s.server.mcp.WithContext(ctx, s), msg.raw)
	}
	if reply == nil {
		return nil
	}
	line, err := encode(s.finishReply(c, msg, reply))
	if err != nil {
		s.logger.Error("an answer could not be encoded", "method", msg.method, "error", err)
		c.failed = true
		return encodeError(msg.id, &rpcError{Code: mcpgo.INTERNAL_ERROR, Message: "the answer could not be encoded"})
	}
	return line
}

// looksAtKeys reports whether a method may need the registry. Clients start many servers, and ask most of them for no
// more than their tools.
func looksAtKeys(method string) bool {
	return slices.ContainsFunc([]string{"tools/call", "resources/", "completion/", "prompts/get", "subscriptions/", "events/"}, func(prefix string) bool {
		return strings.HasPrefix(method, prefix)
	})
}

// finishReply gives the reply the id exactly as the client wrote it, also where it names a stream (mcp-go takes numbers
// for float64, which changes large ones), and, where a handler asked for it, its own error.
func (s *Session) finishReply(c *call, msg message, reply mcpgo.JSONRPCMessage) any {
	id := mcpgo.NewRequestId(nil)
	if msg.isRequest() {
		id = mcpgo.NewRequestId(json.RawMessage(msg.id))
	}
	switch reply := reply.(type) {
	case mcpgo.JSONRPCResponse:
		reply.ID = id
		reply.Result = withEvents(reply.Result)
		if listened, ok := reply.Result.(mcpgo.SubscriptionsListenResult); ok && listened.Meta != nil {
			listened.Meta.SetSubscriptionID(json.RawMessage(msg.id))
		}
		return reply
	case mcpgo.JSONRPCError:
		reply.ID = id
		if reply.Error.Message == mcpserver.ErrSessionNotInitialized.Error() { // which is no fault of this server
			reply.Error.Code, reply.Error.Message = mcpgo.INVALID_REQUEST, "the session is not initialized; send initialize first"
		}
		if msg.method == string(mcpgo.MethodResourcesRead) && reply.Error.Code != mcpgo.INTERNAL_ERROR {
			reply.Error.Message += "; resources/list and resources/templates/list show what there is"
			reply.Error.Data = resourceError{URI: resourceURI(msg.raw)}
		}
		if c.override != nil {
			reply.Error = mcpgo.JSONRPCErrorDetails{
				Code: c.override.Code, Message: c.override.Message, Data: c.override.Data,
			}
		}
		return reply
	}
	return reply
}

// listen serves subscriptions/listen. Each such request is a stream of its own, with its own opt-ins, however many
// a client has open.
func (s *Session) listen(ctx context.Context, c *call, msg message) mcpgo.JSONRPCMessage {
	// The end of the input ends streams as it ends waiting polls.
	ctx, release := endWithAny(ctx, s.draining)
	defer release()
	stream := newListenStream(s, c.out, msg.id)
	s.addStream(stream)
	defer s.removeStream(stream)
	return s.server.mcp.HandleMessage(s.server.mcp.WithContext(ctx, stream), msg.raw)
}

var _ mcpserver.ClientSession = (*Session)(nil)
