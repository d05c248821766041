package openapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The gateway's codes, by what they call for. Source: the platform's generic error codes, the SDK's
// core/constants.go for those about tokens, and answers that users have posted.
const (
	codeAccessToken     = 99991671 // no token at all, by its form
	codeAppToken        = 99991664
	codeTenantToken     = 99991663 // unknown or expired
	codeUserToken       = 99991668 // unknown
	codeUserExpired     = 99991677
	codeAppLacksScope   = 99991672
	codeUserLacksScope  = 99991679
	codeTokenLacksScope = 99991676
)

func isTokenCode(code int) bool {
	return slices.Contains([]int{codeAccessToken, codeAppToken, codeTenantToken, codeUserToken, codeUserExpired}, code)
}

// refused is the error for an answer that is a refusal.
func (a *API) refused(identity string, request call, got answer) error {
	if got.foreign && got.status < 500 && got.status != http.StatusTooManyRequests {
		return a.unreadable(request, got)
	}
	where := request.method + " " + pathOnly(request.path)
	e := &eventcore.Error{
		Code: eventcore.CodePlatformError, PlatformCode: got.code,
		Message: fmt.Sprintf("the platform refused %s as %s: %s", where, identity, a.said(got)),
		Hint:    "look the code up in the platform's documentation of this call",
	}
	lacksScope := slices.Contains([]int{codeAppLacksScope, codeUserLacksScope, codeTokenLacksScope}, got.code)
	switch {
	case lacksScope || got.status == http.StatusForbidden || len(got.scopes) > 0:
		e.Code = eventcore.CodePermissionDenied
		e.Scopes = got.scopes
		e.Hint = permissionHint(identity, got)
	case isTokenCode(got.code) && identity == User:
		e.Hint = "LARK_USER_ACCESS_TOKEN is wrong or has expired (they last about two hours): set a new one"
	case isTokenCode(got.code):
		e.Hint = "check that LARK_APP_ID and LARK_DOMAIN belong together; a new token was refused too"
	case got.status == http.StatusTooManyRequests || got.code == codeRateLimited:
		e.Hint = "too many calls; try again later"
	case got.status >= 500:
		e.Hint = "the platform has trouble; try again later"
	}
	if got.status >= 500 { // what stands between here and the platform may have lost its answer
		e.Cause = eventcore.ErrNoAnswer
	}
	return e
}

func permissionHint(identity string, got answer) string {
	hint := "the " + identity + " may not do this; check what it can see and do"
	if len(got.scopes) > 0 {
		hint = "add one of the scopes " + strings.Join(got.scopes, ", ") + " to the app in the developer console " +
			"(Permissions & Scopes) and publish a new version"
		if identity == User {
			hint += "; then the user has to authorize the app again for a new LARK_USER_ACCESS_TOKEN"
		}
	}
	if got.consoleURL != "" {
		hint += ": " + got.consoleURL
	}
	return hint
}

// badCredentials is the error for a refused token.
func (a *API) badCredentials(got answer) error {
	return &eventcore.Error{
		Code: eventcore.CodePlatformError, PlatformCode: got.code,
		Message: "the platform refused the app's credentials: " + a.said(got),
		Hint: "check LARK_APP_ID and LARK_APP_SECRET against the developer console (Credentials & Basic Info), and " +
			"that LARK_DOMAIN is the platform of the app",
	}
}

// unreadable is the error for an answer that the platform's API did not give.
func (a *API) unreadable(request call, got answer) error {
	e := &eventcore.Error{
		Code: eventcore.CodePlatformError,
		Message: fmt.Sprintf("%s %s was answered with HTTP %d and no answer of the open API",
			request.method, pathOnly(request.path), got.status),
		Hint: "check LARK_DOMAIN, and what stands between here and the platform",
	}
	if got.status < 300 {
		e.Cause = eventcore.ErrNoAnswer
	}
	if got.status == http.StatusNotFound {
		e.Hint = "the platform does not know this path; check LARK_DOMAIN"
	}
	return e
}

// unreachable is the error for a call that got no answer.
func (a *API) unreachable(method, path string, cause error) error {
	why := "no answer: " + a.redact(cause.Error())
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		why = fmt.Sprintf("no answer within %v", a.options.Timeout)
	case errors.Is(cause, errTooLarge):
		why = errTooLarge.Error()
	}
	return &eventcore.Error{
		Code:    eventcore.CodePlatformError,
		Message: fmt.Sprintf("%s %s on %s: %s", method, pathOnly(path), a.options.BaseURL, why),
		Hint:    "check the network and LARK_DOMAIN, and try again",
		Cause:   a.cause(cause),
	}
}

// cause is a lost call's, as it may be told: with [eventcore.ErrNoAnswer] unless it is known that no connection came about
// to send it over.
func (a *API) cause(lost error) error {
	text := a.redact(lost.Error())
	var op *net.OpError
	if errors.As(lost, &op) && op.Op == "dial" {
		return errors.New(text)
	}
	return fmt.Errorf("%w: %s", eventcore.ErrNoAnswer, text)
}

// said is what the platform said, with what helps its support to find the call.
func (a *API) said(got answer) string {
	text := fmt.Sprintf("HTTP %d", got.status)
	if !got.foreign {
		msg := a.redact(got.msg)
		if runes := []rune(msg); len(runes) > 300 {
			msg = string(runes[:300]) + "…"
		}
		text = fmt.Sprintf("code %d, %q", got.code, msg)
	}
	if got.logID != "" {
		text += ", log_id " + got.logID
	}
	return text
}

// redact removes what must not be shown, should anyone ever send it back.
func (a *API) redact(text string) string {
	token, _ := a.tokens.current()
	for _, secret := range []string{a.options.AppSecret, a.options.UserAccessToken, token} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[secret]")
		}
	}
	return text
}
