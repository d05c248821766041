package larksim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// The identities of a call.
const (
	AsBot  = "bot"
	AsUser = "user"
)

// The gateway's codes for tokens and scopes, as users of the platform report them.
const (
	codeTokenMissing   = 99991661 // no Authorization header
	codeTenantToken    = 99991663 // a tenant access token that is unknown or has expired
	codeUserToken      = 99991668 // a user access token that is unknown
	codeAppLacksScope  = 99991672 // satorijs/satori issue 370, n8n-nodes-feishu-lark issue 22
	codeUserLacksScope = 99991679
)

// Call is an OpenAPI call that the platform has received, whatever it answered.
type Call struct {
	Method   string
	Path     string
	Query    url.Values
	Body     json.RawMessage
	Identity string // AsBot, AsUser, or "" without a valid token
}

// api is the state of the OpenAPI side, guarded by the platform's lock.
type api struct {
	tenantTokens map[string]time.Time // with the time they expire
	userTokens   []string
	calls        []Call
	routes       []route
}

// route answers the calls of one method and path pattern.
type route struct {
	method  string
	pattern []string
	handler http.Handler
}

func newAPI(options Options) api {
	return api{tenantTokens: map[string]time.Time{}, userTokens: options.UserAccessTokens}
}

// Handle answers calls of the method and path with handler, once the token is checked and the call recorded. A
// {name} in the pattern stands for any one element of the path. The latest of several that match is taken.
func (p *Platform) Handle(method, pattern string, handler http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.api.routes = append(p.api.routes, route{method, strings.Split(pattern, "/"), handler})
}

// Answer is Handle with the same answer each time; body is marshalled to JSON unless it is a string.
func (p *Platform) Answer(method, pattern string, status int, body any) {
	p.Handle(method, pattern, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if text, ok := body.(string); ok {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text) // the client may be gone
			return
		}
		writeJSON(w, status, body)
	}))
}

// Deny answers calls as the gateway does when the app, or the user, lacks every one of the scopes.
func (p *Platform) Deny(method, pattern string, scopes ...string) {
	p.Handle(method, pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, msg, kind := codeAppLacksScope, "Access denied. One of the following scopes is required: ", "tenant"
		if identity, _, _ := p.identify(r); identity == AsUser {
			code, msg, kind = codeUserLacksScope, "Unauthorized. You do not have permission to perform the requested "+
				"operation on the resource. Please request user re-authorization and try again. required one of these "+
				"privileges under the user identity: ", "user"
		}
		var violations []object
		for _, scope := range scopes {
			violations = append(violations, object{"type": "action_scope_required", "subject": scope})
		}
		writeJSON(w, http.StatusBadRequest, object{
			"code": code, "msg": msg + "[" + strings.Join(scopes, ", ") + "]",
			"error": object{
				"log_id": newID(), "permission_violations": violations,
				"helps": []object{{
					"url":         p.url + "/app/" + p.options.AppID + "/auth?q=" + strings.Join(scopes, ",") + "&token_type=" + kind,
					"description": "Learn more about scopes and how to add them",
				}},
			},
		})
	}))
}

// Calls returns the calls received so far, except for tokens.
func (p *Platform) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.api.calls)
}

func (p *Platform) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, object{"code": 9499, "msg": "Bad Request"})
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	identity, code, msg := p.identify(r)
	p.mu.Lock()
	p.api.calls = append(p.api.calls, Call{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Body: body, Identity: identity,
	})
	handler := p.api.find(r)
	p.changed.Broadcast()
	p.mu.Unlock()
	w.Header().Set("X-Tt-Logid", newID())
	switch {
	case handler == nil:
		handler = p.builtin(r)
	}
	switch {
	case handler == nil:
		// The gateway answers an unknown path in plain text (Wsine/feishu2md issue 71).
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "404 page not found") // the client may be gone
	case code != 0:
		writeJSON(w, http.StatusBadRequest, object{"code": code, "msg": msg})
	default:
		handler.ServeHTTP(w, r)
	}
}

// builtin answers what every app may call.
func (p *Platform) builtin(r *http.Request) http.Handler {
	var answer object
	switch r.Method + " " + r.URL.Path {
	case "GET /open-apis/event/v1/connection":
		answer = object{"code": 0, "msg": "success", "data": object{"online_instance_cnt": p.Connections()}}
	case "GET /open-apis/bot/v3/info":
		// This one has no data member.
		answer = object{"code": 0, "msg": "ok", "bot": object{
			"activate_status": 2, "app_name": Bot.Name, "avatar_url": "https://example.com/eventide.png",
			"ip_white_list": []string{}, "open_id": Bot.OpenID,
		}}
	case "GET /open-apis/mail/v1/user_mailboxes/me/profile":
		answer = object{"code": 0, "msg": "success", "data": object{"primary_email_address": "ada@example.com"}}
	case "POST /open-apis/calendar/v4/calendars/primary":
		answer = object{"code": 0, "msg": "success", "data": object{"calendars": []object{
			{"calendar": object{"calendar_id": "feishu.cn_sim@group.calendar.feishu.cn", "type": "primary"}},
		}}}
	default:
		if r.Method == http.MethodGet || !slices.Contains(subscribing(), path.Base(r.URL.Path)) {
			return nil
		}
		answer = object{"code": 0, "msg": "success", "data": object{}}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, answer) })
}

// subscribing are the last elements of the paths by which keys are switched on and off on the platform.
func subscribing() []string {
	return []string{
		"subscription", "unsubscription", "subscribe", "unsubscribe", "delete_subscribe", "remove_subscription", "task_subscription",
	}
}

// find returns the handler registered last of those that match; nil for none. The lock is held.
func (a *api) find(r *http.Request) http.Handler {
	elements := strings.Split(r.URL.Path, "/")
	for _, candidate := range slices.Backward(a.routes) {
		if candidate.method == r.Method && matches(candidate.pattern, elements) {
			return candidate.handler
		}
	}
	return nil
}

func matches(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, "{") && strings.HasSuffix(want, "}") && got != ""
	})
}
