package mcp

import (
	"context"
	"encoding/json"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// eventsExtension is the protocol's own way to follow events (SEP-3415), and the name under which it is announced.
const eventsExtension = "io.modelcontextprotocol/events"

// eventsCapability is what a server says of the extension: the keys do not change while it runs.
type eventsCapability struct {
	ListChanged bool `json:"listChanged"`
}

// eventMethod answers a request of the extension. Its result is stamped and sent; see [Session.answerEvents].
type eventMethod func(ctx context.Context, s *Session, c *call, msg message) (mcpgo.ResultMetadata, error)

// eventMethods are the methods of the extension. mcp-go has no methods of a server's own, so that they are answered
// before it sees them.
func eventMethods() map[string]eventMethod {
	return map[string]eventMethod{
		"events/list":        listEvents,
		"events/poll":        pollEvent,
		eventsStreamMethod:   streamEvents,
		"events/subscribe":   subscribeWebhook,
		"events/unsubscribe": unsubscribeWebhook,
	}
}

// eventsMethod returns what answers the message, nil if it is no request of the extension.
func eventsMethod(msg message) eventMethod {
	if !msg.isRequest() {
		return nil
	}
	return eventMethods()[msg.method]
}

// answerEvents answers a request of the extension, in the form that its protocol version has for results and errors.
func (s *Session) answerEvents(ctx context.Context, c *call, msg message, method eventMethod) mcpgo.JSONRPCMessage {
	modern, refusal := s.checkEra(msg)
	if refusal != nil {
		return *refusal
	}
	result, err := method(ctx, s, c, msg)
	if err != nil {
		c.failed = true
		problem := eventsError(err)
		if eventcore.IsCode(asUserError(err), eventcore.CodeInternal) && problem.Code == mcpgo.INTERNAL_ERROR && ctx.Err() == nil {
			s.logger.Error("a request failed", "method", msg.method, "error", err)
		}
		return mcpgo.JSONRPCError{JSONRPC: mcpgo.JSONRPC_VERSION,
			Error: mcpgo.JSONRPCErrorDetails{Code: problem.Code, Message: problem.Message, Data: problem.Data}}
	}
	if modern {
		result.SetResultType(mcpgo.ResultTypeComplete)
		result.EnsureResultMeta().SetServerInfo(s.server.identity())
	}
	return mcpgo.JSONRPCResponse{JSONRPC: mcpgo.JSONRPC_VERSION, Result: result}
}

// checkEra reports whether a request is of protocol 2026-07-28, which it says itself, and refuses what mcp-go refuses
// of its own methods: a request of that era that does not say what its client can do, or of a version that nobody
// knows, and one of an earlier era before initialize.
func (s *Session) checkEra(msg message) (modern bool, refusal *mcpgo.JSONRPCError) {
	refuse := func(code int, text string) *mcpgo.JSONRPCError {
		return &mcpgo.JSONRPCError{JSONRPC: mcpgo.JSONRPC_VERSION, Error: mcpgo.JSONRPCErrorDetails{Code: code, Message: text}}
	}
	var request struct {
		JSONRPC string `json:"jsonrpc"`
		Params  struct {
			Meta *mcpgo.Meta `json:"_meta"`
		} `json:"params"`
	}
	// What does not fit here is told by the method, which reads the same params.
	if err := json.Unmarshal(msg.raw, &request); err != nil {
		request.Params.Meta = nil
	}
	if request.JSONRPC != mcpgo.JSONRPC_VERSION {
		return false, refuse(mcpgo.INVALID_REQUEST, "Invalid JSON-RPC version")
	}
	meta := request.Params.Meta
	version := meta.ProtocolVersion()
	switch {
	case !mcpgo.IsModernProtocol(version) && s.ProtocolVersion() == "":
		return false, refuse(mcpgo.INVALID_REQUEST, "the session is not initialized; send initialize first, or "+
			mcpgo.MetaKeyProtocolVersion+" in _meta with each request")
	case !mcpgo.IsModernProtocol(version):
		return false, nil
	case meta.ClientCapabilities() == nil:
		return true, refuse(mcpgo.INVALID_PARAMS, "missing or invalid _meta field "+mcpgo.MetaKeyClientCapabilities)
	case !mcpgo.IsValidProtocolVersion(version):
		unsupported := mcpgo.UnsupportedProtocolVersionError{Version: version, Supported: mcpgo.ValidProtocolVersions}.JSONRPCError()
		return true, &unsupported
	}
	return true, nil
}

// identity is what the server says of itself in the results of protocol 2026-07-28.
func (s *Server) identity() mcpgo.Implementation {
	return mcpgo.Implementation{Name: s.opts.Name, Version: s.opts.Version, Title: serverTitle}
}

// announceEvents is the option by which mcp-go announces the extension.
func announceEvents() mcpserver.ServerOption {
	return mcpserver.WithExtensions(map[string]any{eventsExtension: eventsCapability{}})
}

// The results that tell of capabilities, with events among them: clients that were built before the extension was
// final look for it there, and mcp-go has no place for it.
type (
	capabilities struct {
		mcpgo.ServerCapabilities
		Events eventsCapability `json:"events"`
	}
	initializeResult struct {
		mcpgo.InitializeResult
		Capabilities capabilities `json:"capabilities"`
	}
	discoverResult struct {
		mcpgo.DiscoverResult
		Capabilities capabilities `json:"capabilities"`
	}
)

// withEvents adds the extension to a result that tells of capabilities, and leaves others as they are.
func withEvents(result any) any {
	switch result := result.(type) {
	case mcpgo.InitializeResult:
		return initializeResult{result, capabilities{ServerCapabilities: result.Capabilities}}
	case mcpgo.DiscoverResult:
		return discoverResult{result, capabilities{ServerCapabilities: result.Capabilities}}
	}
	return result
}
