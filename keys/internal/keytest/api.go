package keytest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// API is an [eventcore.APIClient] that answers by method and path, query included. It may be called from many
// goroutines at once.
type API struct {
	// Answers are the data members of answers, by "METHOD PATH".
	Answers map[string]string
	// Refuse is the error of every call that has no answer; nil stands for a platform that knows no such thing.
	Refuse error

	mu    sync.Mutex
	calls []string
}

// CallAPI keeps the call as "METHOD PATH BODY" and answers it.
func (a *API) CallAPI(_ context.Context, method, path string, body any) (json.RawMessage, error) {
	call := method + " " + path
	kept := call
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		kept += " " + string(text)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, kept)
	if answer, ok := a.Answers[call]; ok {
		return json.RawMessage(answer), nil
	}
	if a.Refuse != nil {
		return nil, a.Refuse
	}
	return nil, &eventcore.Error{Code: eventcore.CodePlatformError, Message: "the platform has no answer for " + call, Hint: "add one"}
}

// Want fails the test unless exactly these calls, in this order, were made since the last Want.
func (a *API) Want(t *testing.T, calls ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.calls, calls) {
		t.Errorf("the platform was asked %q, want %q", a.calls, calls)
	}
	a.calls = nil
}

// Denied is the error of a call for which the app lacks the scopes.
func Denied(scopes ...string) error {
	return &eventcore.Error{
		Code: eventcore.CodePermissionDenied, Message: "the platform refused the call as bot: code 99991672, \"Access denied\"",
		Hint: "add one of the scopes to the app", Scopes: scopes, PlatformCode: 99991672,
	}
}
