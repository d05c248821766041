package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// asUserError returns err as a user may see it.
func asUserError(err error) *eventcore.Error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		var known *eventcore.Error
		if !errors.As(err, &known) {
			return &eventcore.Error{Code: eventcore.CodeInternal, Message: "the call ended before it was done",
				Hint: "call it again", Cause: err}
		}
	}
	return eventcore.AsError(err)
}

// invalidArgument is the error for a tool argument at fault; allowed are the values it accepts, if few.
func invalidArgument(name, problem, hint string, allowed []eventcore.ParamValue) *eventcore.Error {
	return &eventcore.Error{
		Code: eventcore.CodeInvalidParams, Message: fmt.Sprintf("argument %q %s", clip(name, 100), problem),
		Hint: hint, Param: clip(name, 100), Allowed: allowed,
	}
}

// resourceError is the data of an error about a resource: its URI, as the protocol asks, and what is known beyond that.
type resourceError struct {
	URI string `json:"uri,omitempty"`
	*eventcore.Error
}

// resourceURI returns the URI that a message is about, or "" if it names none.
func resourceURI(raw json.RawMessage) string {
	var request struct {
		Params struct {
			URI string `json:"uri"`
		} `json:"params"`
	}
	if json.Unmarshal(raw, &request) != nil {
		return ""
	}
	return request.Params.URI
}

// failResource makes the request that ctx belongs to, which reads uri, end with the error that its protocol version has
// for a resource that is not there, or with an internal error. mcp-go would make every error of a handler internal.
func failResource(ctx context.Context, uri string, err error) error {
	e := asUserError(err)
	code := mcpgo.INTERNAL_ERROR
	switch e.Code {
	case eventcore.CodeUnknownKey, eventcore.CodeUnknownSubscription:
		code = mcpgo.RESOURCE_NOT_FOUND
		if mcpgo.IsModernProtocol(mcpserver.RequestProtocolVersion(ctx)) {
			code = mcpgo.INVALID_PARAMS
		}
	}
	message := e.Error()
	if len(e.Suggestions) > 1 {
		nearest, _ := json.Marshal(e.Suggestions)
		message += "; nearest: " + string(nearest)
	}
	if c := callFrom(ctx); c != nil {
		c.override = &rpcError{Code: code, Message: message, Data: resourceError{uri, e}}
	}
	return e
}
