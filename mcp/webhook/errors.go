package webhook

import (
	"errors"
	"fmt"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The extension's error codes that this package uses.
const (
	CodeInvalidParams     = -32602
	CodeInternal          = -32603
	CodeNotFound          = -32011
	CodeForbidden         = -32012
	CodeResourceExhausted = -32013
	CodeCallbackEndpoint  = -32015
)

// Error is a refusal in the extension's terms, encoded as JSON-RPC encodes errors.
type Error struct {
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func invalid(field, format string, args ...any) *Error {
	return &Error{
		Code: CodeInvalidParams, Message: field + " " + fmt.Sprintf(format, args...), Data: map[string]any{"param": field},
	}
}

func exhausted(limit string, most int, message string) *Error {
	return &Error{Code: CodeResourceExhausted, Message: message, Data: map[string]any{"limit": limit, "max": most}}
}

// unreachable is the error of an endpoint that did not prove that it wants deliveries.
func unreachable(reason Reason) *Error {
	return &Error{Code: CodeCallbackEndpoint, Message: reasons[reason], Data: map[string]any{"reason": reason}}
}

// reasons says for each reason what is to be done.
var reasons = map[Reason]string{
	ReasonRefused: "the endpoint of delivery.url could not be connected to; it must be up, and its name must resolve to " +
		"public addresses only",
	ReasonTimeout: "the endpoint of delivery.url did not answer within 10 seconds; it must answer the verification at once",
	ReasonTLS:     "no TLS connection to the endpoint of delivery.url could be made; it needs a certificate that is valid for its name",
	ReasonHTTP4xx: "the endpoint of delivery.url did not accept the verification (a 4xx, or a redirect, which is not " +
		"followed); it must answer the POST with a 2xx itself",
	ReasonHTTP5xx: "the endpoint of delivery.url failed on the verification (a 5xx); try again when it works",
	ReasonChallenge: "the endpoint of delivery.url did not echo the challenge; it must answer a body of type verification with " +
		`{"challenge": …} and the same value`,
}

// fatal are the failures of a feed that no waiting heals, with the code that ends the subscription. A permission that is
// missing is not among them: it was there when the subscription was made, and may be granted again.
var fatal = map[eventcore.Code]int{
	eventcore.CodeUnknownKey:    CodeNotFound,
	eventcore.CodeInvalidParams: CodeInvalidParams,
}

// final returns the error that ends a subscription whose feed failed with err, or nil if it may work again.
func final(err error) *Error {
	var problem *eventcore.Error
	if !errors.As(err, &problem) || fatal[problem.Code] == 0 {
		return nil
	}
	ended := &Error{Code: fatal[problem.Code], Message: problem.Error()}
	if problem.Code == eventcore.CodeUnknownKey {
		ended.Data = map[string]any{"kind": "event"}
	}
	return ended
}
