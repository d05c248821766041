package openapi

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
)

// tokenMargin is how long before its end a token is no longer used. The platform issues a new one while the old
// one has less than 30 minutes to go.
const tokenMargin = 3 * time.Minute

// tokens holds the app's tenant access token. One caller at a time fetches; the others wait for it.
type tokens struct {
	// fetching is a lock that can be waited for with a context: whoever holds its one element may fetch.
	fetching chan struct{}

	mu     sync.Mutex
	value  string
	expiry time.Time
}

// current is the token held, if it is good for a while.
func (t *tokens) current() (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value, t.value != "" && time.Until(t.expiry) > 0
}

func (t *tokens) keep(value string, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value = value
	t.expiry = time.Now().Add(max(life-tokenMargin, life/2))
}

// discard forgets the token if it is still this one.
func (t *tokens) discard(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == value {
		t.value = ""
	}
}

// tenantToken returns a tenant access token, a new one if need be.
func (a *API) tenantToken(ctx context.Context) (string, error) {
	if token, ok := a.tokens.current(); ok {
		return token, nil
	}
	select {
	case a.tokens.fetching <- struct{}{}:
		defer func() { <-a.tokens.fetching }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if token, ok := a.tokens.current(); ok {
		return token, nil
	}
	return a.fetchToken(ctx)
}

func (a *API) fetchToken(ctx context.Context) (string, error) {
	const path = larkcore.TenantAccessTokenInternalUrlPath
	answer, err := a.send(ctx, call{
		method: http.MethodPost, path: path, repeatable: true,
		body: larkcore.SelfBuiltTenantAccessTokenReq{AppID: a.options.AppID, AppSecret: a.options.AppSecret},
	})
	if err != nil {
		return "", err
	}
	if answer.code != 0 {
		return "", a.badCredentials(answer)
	}
	var token struct {
		Value  string `json:"tenant_access_token"`
		Expire int64  `json:"expire"` // seconds
	}
	if err := json.Unmarshal(answer.body, &token); err != nil || token.Value == "" {
		return "", a.unreadable(call{method: http.MethodPost, path: path}, answer)
	}
	a.tokens.keep(token.Value, time.Duration(min(max(token.Expire, 0), 24*60*60))*time.Second)
	return token.Value, nil
}
