package eventcore

import (
	"context"
	"errors"
	"fmt"
)

// Code classifies an [Error]; callers and models branch on it.
type Code string

// The codes a user can meet. They are part of the interface and do not change.
const (
	CodeUnknownKey          Code = "unknown_key"
	CodeInvalidParams       Code = "invalid_params"
	CodeInvalidFilter       Code = "invalid_filter"
	CodeUnknownSubscription Code = "unknown_subscription"
	CodeInvalidCursor       Code = "invalid_cursor"
	CodeCredentialsMissing  Code = "credentials_missing"
	CodePermissionDenied    Code = "permission_denied"
	CodePlatformError       Code = "platform_error"
	CodeSingleConsumer      Code = "single_consumer"
	CodeLimitReached        Code = "limit_reached"
	CodeBusUnavailable      Code = "bus_unavailable"
	CodeInternal            Code = "internal"
)

// Error is a failure as a user sees it. Errors that reach a tool result, a resource or the command line are of
// this type; anything else is shown as [CodeInternal].
type Error struct {
	Code Code `json:"code"`
	// Message says what was wrong, and where.
	Message string `json:"message"`
	// Hint says what to do next.
	Hint string `json:"hint,omitempty"`
	// Suggestions are the known keys nearest to an unknown one.
	Suggestions []string `json:"suggestions,omitempty"`
	// Param is the parameter at fault, Allowed the values it accepts.
	Param   string       `json:"param,omitempty"`
	Allowed []ParamValue `json:"allowed,omitempty"`
	// Scopes are the permissions whose lack explains a refusal.
	Scopes []string `json:"scopes,omitempty"`
	// PlatformCode is the platform's own error code; 0 if it gave none.
	PlatformCode int `json:"platform_code,omitempty"`
	// Cause is what lies beneath, for logs; it is not shown to users.
	Cause error `json:"-"`
}

// Error returns the message and, after it, the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ErrNoAnswer is in the chain of an error for a call whose answer did not come: it may have been carried out or not.
var ErrNoAnswer = errors.New("no answer")

// AsError returns the [*Error] in err's chain. An err without one is wrapped as [CodeInternal].
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	hint := "this is not expected; run with --log-level debug and report it"
	if errors.Is(err, context.DeadlineExceeded) {
		hint = "it took longer than it may; try again, and look at event_status or lark-events-mcp status"
	}
	return &Error{Code: CodeInternal, Message: err.Error(), Cause: err, Hint: hint}
}

// IsCode reports whether err's chain holds an [*Error] with this code.
func IsCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// UnknownKey is the error for a key that is not registered, with the nearest names.
func UnknownKey(key string) *Error {
	suggestions := nearestKeys(key, 5)
	hint := "list_event_keys, or lark-events-mcp list, shows the keys; event.any takes any event type by name"
	if len(suggestions) > 0 {
		hint = "did you mean " + suggestions[0] + "? " + hint
	}
	return &Error{
		Code: CodeUnknownKey, Message: fmt.Sprintf("there is no event key %q", clip(key, 100)),
		Hint: hint, Suggestions: suggestions,
	}
}

// clip shortens what a user sent, for use in a message.
func clip(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit]) + "…"
}
