package openapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// client is an [eventcore.APIClient] for one identity.
type client struct {
	api      *API
	identity string
}

var _ eventcore.APIClient = (*client)(nil)

// call is one request to make, as often as it takes.
type call struct {
	method string
	path   string // may have a query
	body   any
	token  larkcore.RequestOptionFunc
	kind   larkcore.AccessTokenType
	// repeatable says that the platform may have done it already, and doing it again changes nothing.
	repeatable bool
}

// CallAPI implements [eventcore.APIClient]. The path begins with /open-apis/. The result is the answer's data member
// or, where there is none, the whole answer without code and msg. Errors are [*eventcore.Error], but for ctx's own.
//
// What the platform has surely not done is tried again: rate limits (after the time it names), connections that
// were never made, and an expired app token. Server errors and lost answers are tried again for GET, PUT and DELETE
// only.
func (c *client) CallAPI(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	if !strings.HasPrefix(path, "/open-apis/") {
		// Also keeps the SDK from taking an absolute URL for a path and sending the token there.
		return nil, &eventcore.Error{
			Code: eventcore.CodeInternal, Message: fmt.Sprintf("%.100q is no path of the open API", path),
			Hint: "a path begins with /open-apis/",
		}
	}
	encoded, err := encode(body)
	if err != nil {
		return nil, fmt.Errorf("encode the body of %s %s: %w", method, pathOnly(path), err)
	}
	limited, cancel := context.WithTimeout(ctx, c.api.options.Timeout)
	defer cancel()
	data, err := c.call(limited, call{
		method: method, path: path, body: encoded,
		repeatable: method == http.MethodGet || method == http.MethodPut || method == http.MethodDelete,
	})
	if err == nil {
		return data, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var known *eventcore.Error
	if errors.As(err, &known) {
		return nil, known
	}
	return nil, c.api.unreachable(method, path, err)
}

// call makes the call with a token, and once more with a new one if the platform says that it has expired.
func (c *client) call(ctx context.Context, request call) (json.RawMessage, error) {
	for attempt := 1; ; attempt++ {
		token := c.api.options.UserAccessToken
		request.token, request.kind = larkcore.WithUserAccessToken(token), larkcore.AccessTokenTypeUser
		if c.identity == Bot {
			var err error
			if token, err = c.api.tenantToken(ctx); err != nil {
				return nil, err
			}
			request.token, request.kind = larkcore.WithTenantAccessToken(token), larkcore.AccessTokenTypeTenant
		}
		answer, err := c.api.send(ctx, request)
		if err != nil {
			return nil, err
		}
		switch {
		case answer.code == 0 && answer.status < 400 && !answer.foreign:
			return answer.data, nil
		case c.identity == Bot && attempt == 1 && isTokenCode(answer.code):
			c.api.tokens.discard(token)
		default:
			return nil, c.api.refused(c.identity, request, answer)
		}
	}
}

// pathOnly is a path without its query, for messages.
func pathOnly(path string) string {
	if parsed, err := url.Parse(path); err == nil {
		return parsed.Path
	}
	path, _, _ = strings.Cut(path, "?")
	return path
}

// encode marshals a body once for all attempts; none stays none.
func encode(body any) (any, error) {
	if body == nil {
		return nil, nil
	}
	encoded, err := json.Marshal(body)
	return json.RawMessage(encoded), err
}
