package keydef

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// cleanupTimeout bounds the call that ends a platform subscription. It is more than the open API's own limit of 10 s,
// whose error says what hung to those who wait for so long.
const cleanupTimeout = 15 * time.Second

// Call is one call of the open API; Path may carry a query, and a nil Body sends none.
type Call struct {
	Method, Path string
	Body         any
}

// SubscribedBy makes def a key that the platform sends events of only after a call of its own: on makes, off ends the
// platform's subscription. Both get the resolved params.
func SubscribedBy(def eventcore.KeyDefinition, on, off func(params map[string]string) Call) eventcore.KeyDefinition {
	def.Cleanup = func(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
		call := off(params)
		_, err := rt.CallAPI(ctx, call.Method, call.Path, call.Body)
		return err
	}
	def.PreConsume = func(ctx context.Context, rt eventcore.APIClient, params map[string]string) (func() error, error) {
		call := on(params)
		if _, err := rt.CallAPI(ctx, call.Method, call.Path, call.Body); err != nil {
			return nil, err
		}
		return func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
			defer cancel()
			return def.Cleanup(ctx, rt, params)
		}, nil
	}
	return def
}

// Post is the call of an API that takes the event type as its only argument, as most subscribe calls do.
func Post(path, eventType string) func(map[string]string) Call {
	return func(map[string]string) Call {
		return Call{Method: http.MethodPost, Path: path, Body: map[string]string{"event_type": eventType}}
	}
}

// Get reads the data member of an answer of the open API into a T.
func Get[T any](ctx context.Context, rt eventcore.APIClient, path string) (*T, error) {
	return Ask[T](ctx, rt, http.MethodGet, path, nil)
}

// Ask is [Get] by any method; a nil body sends none.
func Ask[T any](ctx context.Context, rt eventcore.APIClient, method, path string, body any) (*T, error) {
	if rt == nil {
		return nil, &eventcore.Error{
			Code: eventcore.CodeCredentialsMissing, Message: "there is no access to the open API",
			Hint: "set LARK_APP_ID and LARK_APP_SECRET",
		}
	}
	data, err := rt.CallAPI(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	var into T
	if err := json.Unmarshal(data, &into); err != nil {
		return nil, &eventcore.Error{
			Code: eventcore.CodePlatformError, Message: fmt.Sprintf("the answer of %s %s cannot be read: %v", method, path, err),
			Hint: "the event is complete but for that", Cause: err,
		}
	}
	return &into, nil
}

// Missing is the error beside an event for which a lookup failed: what says what is missing, and scopes are those
// that the lookup needs, any one of an "a or b" entry. A nil err yields nil.
func Missing(what string, err error, scopes ...string) error {
	if err == nil {
		return nil
	}
	failure := *eventcore.AsError(err)
	failure.Message = what + " could not be looked up: " + failure.Message
	if len(failure.Scopes) == 0 && failure.Code == eventcore.CodePermissionDenied {
		failure.Scopes = slices.Clone(scopes)
		hint := "the lookup needs " + strings.Join(scopes, ", ")
		if failure.Hint != "" {
			hint = failure.Hint + "; " + hint
		}
		failure.Hint = hint
	}
	failure.Cause = err
	return &failure
}

// AllMissing is one error for several lookups that failed beside one event; nil if none did.
func AllMissing(list ...error) error {
	list = slices.DeleteFunc(list, func(err error) bool { return err == nil })
	if len(list) < 2 {
		return errors.Join(list...)
	}
	all := *eventcore.AsError(list[0])
	for _, err := range list[1:] {
		next := eventcore.AsError(err)
		all.Message += "; " + next.Message
		if !strings.Contains(all.Hint, next.Hint) {
			all.Hint += "; " + next.Hint
		}
		for _, scope := range next.Scopes {
			if !slices.Contains(all.Scopes, scope) {
				all.Scopes = append(slices.Clone(all.Scopes), scope)
			}
		}
	}
	return &all
}
