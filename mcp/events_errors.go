package mcp

import (
	"errors"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// The error codes of the events extension.
const (
	codeNotFound  = -32011 // data.kind: event, subscription
	codeForbidden = -32012
	codeExhausted = -32013 // data.limit, data.max
	// codeUnsupported has data.feature and data.value.
	codeUnsupported = -32014
)

// errorData is the data of the extension's errors: what the extension asks for, and what the tools tell of the same
// failure (code, hint, param, allowed, suggestions, scopes).
type errorData struct {
	Kind    string `json:"kind,omitempty"`
	Limit   string `json:"limit,omitempty"`
	Max     int    `json:"max,omitempty"`
	Feature string `json:"feature,omitempty"`
	Value   string `json:"value,omitempty"`
	*eventcore.Error
}

// Error returns the message.
func (e *rpcError) Error() string { return e.Message }

// eventsError returns err in the extension's terms. The message is the one that the tools have for it.
func eventsError(err error) *rpcError {
	var known *rpcError
	if errors.As(err, &known) {
		return known
	}
	var refused *webhook.Error
	if errors.As(err, &refused) {
		return &rpcError{Code: refused.Code, Message: refused.Message, Data: refused.Data}
	}
	e := asUserError(err)
	data := errorData{Error: e}
	code := mcpgo.INTERNAL_ERROR
	switch e.Code {
	case eventcore.CodeInvalidParams, eventcore.CodeInvalidFilter, eventcore.CodeInvalidCursor:
		code = mcpgo.INVALID_PARAMS
	case eventcore.CodeUnknownKey:
		code, data.Kind = codeNotFound, "event"
	case eventcore.CodeUnknownSubscription:
		code, data.Kind = codeNotFound, "subscription"
	case eventcore.CodePermissionDenied:
		code = codeForbidden
	case eventcore.CodeSingleConsumer:
		code, data.Limit, data.Max = codeExhausted, "consumers", 1
	case eventcore.CodeLimitReached:
		code, data.Limit, data.Max = codeExhausted, "requests", protocol.MaxPending
	}
	return &rpcError{Code: code, Message: e.Error(), Data: data}
}

// unsupported is the error for a value that the extension has and this server, or this transport, has not.
func unsupported(feature, value, message string) error {
	return &rpcError{Code: codeUnsupported, Message: message, Data: errorData{Feature: feature, Value: clip(value, 100)}}
}
