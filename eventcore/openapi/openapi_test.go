package openapi_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/openapi"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup starts a platform and an API of its app; adjust may change the API's options.
func setup(t *testing.T, adjust ...func(*openapi.Options)) (*larksim.Platform, *openapi.API) {
	t.Helper()
	platform, err := larksim.Start(larksim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Close)
	options := openapi.Options{
		AppID: platform.AppID(), AppSecret: platform.AppSecret(), BaseURL: platform.URL(),
		UserAccessToken: larksim.DefaultUserToken, Timeout: 20 * time.Second,
	}
	for _, change := range adjust {
		change(&options)
	}
	api := openapi.New(options)
	t.Cleanup(api.Close)
	return platform, api
}

func as(t *testing.T, api *openapi.API, identity string) eventcore.APIClient {
	t.Helper()
	client, err := api.As(identity)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// refusal makes a call that must fail with an *eventcore.Error of this code.
func refusal(t *testing.T, client eventcore.APIClient, method, path string, code eventcore.Code) *eventcore.Error {
	t.Helper()
	data, err := client.CallAPI(t.Context(), method, path, nil)
	var e *eventcore.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %s, %v; want an *eventcore.Error with code %s", data, err, code)
	}
	return e
}

func says(t *testing.T, e *eventcore.Error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(e.Error(), part) {
			t.Errorf("%q does not say %q", e.Error(), part)
		}
	}
}

func TestCallsCarryIdentityQueryAndBody(t *testing.T) {
	platform, api := setup(t)
	platform.Answer("POST", "/open-apis/vc/v1/{kind}/subscription", 200, `{"code":0,"msg":"ok","data":{"done":true}}`)
	for _, identity := range []string{openapi.Bot, openapi.User} {
		data, err := as(t, api, identity).CallAPI(t.Context(), "POST", "/open-apis/vc/v1/meetings/subscription?a=b%20c&d=e",
			map[string]string{"event_type": "vc.meeting"})
		if err != nil || string(data) != `{"done":true}` {
			t.Errorf("as %s: got %s (%v), want the data member", identity, data, err)
		}
	}
	calls := platform.Calls()
	if len(calls) != 2 || calls[0].Identity != larksim.AsBot || calls[1].Identity != larksim.AsUser {
		t.Fatalf("calls %+v, want one as the bot and one as the user", calls)
	}
	for _, call := range calls {
		if call.Query.Get("a") != "b c" || call.Query.Get("d") != "e" || string(call.Body) != `{"event_type":"vc.meeting"}` {
			t.Errorf("query %v and body %s, want them as given", call.Query, call.Body)
		}
	}
}

func TestAnAnswerWithoutDataIsReturnedWhole(t *testing.T) {
	_, api := setup(t)
	data, err := as(t, api, openapi.Bot).CallAPI(t.Context(), "GET", "/open-apis/bot/v3/info", nil)
	if err != nil || !strings.HasPrefix(string(data), `{"bot":{`) || !strings.Contains(string(data), larksim.Bot.OpenID) {
		t.Errorf("got %s (%v), want the bot member and neither code nor msg", data, err)
	}
}

func TestOnlineConnectionsAreCounted(t *testing.T) {
	platform, api := setup(t)
	if n, err := api.OnlineConnections(t.Context()); n != 0 || err != nil {
		t.Errorf("got %d (%v), want 0: nobody is connected", n, err)
	}
	platform.Answer("GET", "/open-apis/event/v1/connection", http.StatusOK, map[string]any{"code": 0, "data": map[string]any{}})
	if n, err := api.OnlineConnections(t.Context()); err == nil {
		t.Errorf("an answer without a count is taken for %d", n)
	}
}

func TestNothingHappensBeforeTheFirstCall(t *testing.T) {
	platform, api := setup(t)
	as(t, api, openapi.Bot)
	if platform.TokensIssued() != 0 || len(platform.Calls()) != 0 {
		t.Error("the platform was asked before there was a call")
	}
}

func TestConcurrentCallsShareOneToken(t *testing.T) {
	platform, api := setup(t)
	client := as(t, api, openapi.Bot)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if _, err := client.CallAPI(t.Context(), "GET", "/open-apis/bot/v3/info", nil); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := platform.TokensIssued(); n != 1 {
		t.Errorf("%d tokens were fetched, want one for all", n)
	}
}

func TestAnExpiredTokenIsFetchedAnewOnce(t *testing.T) {
	platform, api := setup(t)
	client := as(t, api, openapi.Bot)
	for range 3 {
		if _, err := client.CallAPI(t.Context(), "GET", "/open-apis/bot/v3/info", nil); err != nil {
			t.Fatal(err)
		}
		platform.ExpireTokens()
	}
	if n := len(platform.Calls()); n != 5 {
		t.Errorf("%d calls, want 5: one, and twice a refused one before its repetition", n)
	}
	// A platform that refuses every token is not asked for ever.
	platform.Answer("POST", "/open-apis/im/v1/messages", 400, `{"code":99991663,"msg":"Invalid access token"}`)
	before := len(platform.Calls())
	e := refusal(t, client, "POST", "/open-apis/im/v1/messages", eventcore.CodePlatformError)
	if e.PlatformCode != 99991663 || len(platform.Calls()) != before+2 {
		t.Errorf("code %d after %d calls, want 99991663 after 2", e.PlatformCode, len(platform.Calls())-before)
	}
}

func TestMissingCredentialsNameTheVariable(t *testing.T) {
	cases := []struct {
		identity string
		options  openapi.Options
		variable string
	}{
		{openapi.Bot, openapi.Options{AppSecret: "s"}, "LARK_APP_ID"},
		{openapi.Bot, openapi.Options{AppID: "cli_1"}, "LARK_APP_SECRET"},
		{openapi.User, openapi.Options{AppID: "cli_1", AppSecret: "s"}, "LARK_USER_ACCESS_TOKEN"},
	}
	for _, c := range cases {
		t.Run(c.variable, func(t *testing.T) {
			client, err := openapi.New(c.options).As(c.identity)
			if client != nil || !eventcore.IsCode(err, eventcore.CodeCredentialsMissing) {
				t.Fatalf("got %v, want credentials_missing", err)
			}
			says(t, eventcore.AsError(err), c.variable+" is not set", "set "+c.variable)
		})
	}
	if _, err := openapi.New(openapi.Options{}).As("admin"); !eventcore.IsCode(err, eventcore.CodeInternal) {
		t.Errorf("an identity that does not exist: %v, want internal", err)
	}
}

func TestWrongCredentialsSayWhatThePlatformSaid(t *testing.T) {
	cases := []struct {
		name, identity string
		adjust         func(*openapi.Options)
		number         int
		says           []string
	}{
		{"secret", openapi.Bot, func(o *openapi.Options) { o.AppSecret = "wrongNeverShown" }, 10014, []string{"app secret invalid", "LARK_APP_SECRET"}},
		{"app", openapi.Bot, func(o *openapi.Options) { o.AppID = "nonsense" }, 10003, []string{"invalid param", "LARK_APP_ID"}},
		{"user", openapi.User, func(o *openapi.Options) { o.UserAccessToken = "u-wrongNeverShown" }, 99991668, []string{"Invalid access token", "LARK_USER_ACCESS_TOKEN"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, api := setup(t, c.adjust)
			e := refusal(t, as(t, api, c.identity), "GET", "/open-apis/bot/v3/info", eventcore.CodePlatformError)
			if e.PlatformCode != c.number {
				t.Errorf("platform code %d, want %d", e.PlatformCode, c.number)
			}
			says(t, e, c.says...)
			if strings.Contains(e.Error(), "NeverShown") {
				t.Error("the secret was shown")
			}
		})
	}
}

func TestALackOfScopesNamesThem(t *testing.T) {
	platform, api := setup(t)
	platform.Deny("GET", "/open-apis/im/v1/chats/{chat}", "im:chat:read", "im:chat")
	for identity, number := range map[string]int{openapi.Bot: 99991672, openapi.User: 99991679} {
		e := refusal(t, as(t, api, identity), "GET", "/open-apis/im/v1/chats/oc_1", eventcore.CodePermissionDenied)
		if e.PlatformCode != number || !slices.Equal(e.Scopes, []string{"im:chat:read", "im:chat"}) {
			t.Errorf("as %s: code %d, scopes %v", identity, e.PlatformCode, e.Scopes)
		}
		says(t, e, "GET /open-apis/im/v1/chats/oc_1", "im:chat:read, im:chat", "log_id", "/auth?q=im:chat:read")
	}
}

func TestAForbiddenCallIsADeniedPermission(t *testing.T) {
	platform, api := setup(t)
	platform.Answer("GET", "/open-apis/drive/v1/files", 403, `{"code":1061004,"msg":"forbidden."}`)
	e := refusal(t, as(t, api, openapi.Bot), "GET", "/open-apis/drive/v1/files?secretish=1", eventcore.CodePermissionDenied)
	says(t, e, "forbidden.", "as bot")
	if strings.Contains(e.Error(), "secretish") {
		t.Error("the error quotes the query")
	}
}

func TestOtherRefusalsCarryCodeMessageAndLogID(t *testing.T) {
	platform, api := setup(t)
	platform.Answer("POST", "/open-apis/im/v1/messages", 400, `{"code":230001,"msg":"invalid receive_id","error":{"log_id":"2026LOG"}}`)
	e := refusal(t, as(t, api, openapi.Bot), "POST", "/open-apis/im/v1/messages", eventcore.CodePlatformError)
	if e.PlatformCode != 230001 {
		t.Errorf("platform code %d, want 230001", e.PlatformCode)
	}
	says(t, e, "230001", "invalid receive_id", "log_id 2026LOG")
}

// What stands between here and the platform may lose the answer of a call that was carried out.
func TestALostAnswerIsTold(t *testing.T) {
	platform, api := setup(t)
	for status, c := range map[int]struct {
		body string
		lost bool
	}{
		200: {"<html>", true}, 500: {`{"code":2200,"msg":"internal error"}`, true}, 502: {"bad gateway", true}, 504: {"", true},
		400: {`{"code":230001,"msg":"invalid"}`, false}, 404: {"not found", false},
	} {
		platform.Answer("POST", "/open-apis/im/v1/messages", status, c.body)
		e := refusal(t, as(t, api, openapi.Bot), "POST", "/open-apis/im/v1/messages", eventcore.CodePlatformError)
		if lost := errors.Is(e, eventcore.ErrNoAnswer); lost != c.lost {
			t.Errorf("HTTP %d: it may have been carried out: %v, want %v", status, lost, c.lost)
		}
	}
}

func TestACallEndsInTime(t *testing.T) {
	platform, api := setup(t, func(o *openapi.Options) { o.Timeout = 200 * time.Millisecond })
	reached := make(chan struct{}, 10)
	platform.Handle("GET", "/open-apis/slow", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
	}))
	client := as(t, api, openapi.User)
	e := refusal(t, client, "GET", "/open-apis/slow", eventcore.CodePlatformError)
	says(t, e, "no answer within 200ms", "LARK_DOMAIN")
	if !errors.Is(e, eventcore.ErrNoAnswer) {
		t.Errorf("%v does not tell that the call may have been carried out", e)
	}
	<-reached

	ctx, cancel := context.WithCancel(t.Context())
	_, patient := setup(t, func(o *openapi.Options) { o.BaseURL = platform.URL() })
	go func() {
		<-reached
		cancel()
	}()
	if _, err := as(t, patient, openapi.User).CallAPI(ctx, "GET", "/open-apis/slow", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call returned %v, want the context's error", err)
	}
}

func TestWhatIsNotThePlatformIsExplained(t *testing.T) {
	platform, api := setup(t)
	client := as(t, api, openapi.User)
	says(t, refusal(t, client, "GET", "/open-apis/unknown/path", eventcore.CodePlatformError), "HTTP 404", "does not know this path")

	platform.Handle("GET", "/open-apis/portal", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>please log in"))
	}))
	says(t, refusal(t, client, "GET", "/open-apis/portal", eventcore.CodePlatformError), "HTTP 200", "no answer of the open API")

	platform.Handle("GET", "/open-apis/moved", http.RedirectHandler("http://example.invalid/", http.StatusTemporaryRedirect))
	says(t, refusal(t, client, "GET", "/open-apis/moved", eventcore.CodePlatformError), "HTTP 307")

	_, nowhere := setup(t, func(o *openapi.Options) { o.BaseURL = "http://127.0.0.1:1" })
	e := refusal(t, as(t, nowhere, openapi.User), "POST", "/open-apis/x?secretish=1", eventcore.CodePlatformError)
	says(t, e, "http://127.0.0.1:1", "connection refused", "check the network")
	if strings.Contains(e.Error(), "secretish") {
		t.Error("the error quotes the query")
	}
}

func TestALargeResponseIsRefused(t *testing.T) {
	platform, api := setup(t)
	platform.Answer("GET", "/open-apis/large", 200, `{"code":0,"data":"`+strings.Repeat("x", 9<<20)+`"}`)
	says(t, refusal(t, as(t, api, openapi.User), "GET", "/open-apis/large", eventcore.CodePlatformError), "larger than 8 MiB")
	if n := len(platform.Calls()); n != 1 {
		t.Errorf("%d attempts, want one: it would be as large again", n)
	}
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	platform, api := setup(t)
	for _, path := range []string{"http://127.0.0.1:1/open-apis/x", "open-apis/x", "/callback/ws/endpoint", ""} {
		refusal(t, as(t, api, openapi.User), "GET", path, eventcore.CodeInternal)
	}
	if len(platform.Calls()) != 0 {
		t.Error("a path outside the open API was called")
	}
}

func TestSecretsAreNeitherLoggedNorShown(t *testing.T) {
	var log bytes.Buffer
	var guard sync.Mutex
	platform, api := setup(t, func(o *openapi.Options) {
		o.Logger = slog.New(slog.NewTextHandler(locked{&guard, &log}, &slog.HandlerOptions{Level: slog.LevelDebug - 10}))
	})
	var told strings.Builder
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		_, _ = w.Write([]byte(`{"code":4711,"msg":"you sent ` + r.Header.Get("Authorization") + ` and ` + platform.AppSecret() + `"}`))
	})
	platform.Handle("POST", "/open-apis/echo", echo)
	for _, identity := range []string{openapi.Bot, openapi.User} {
		e := refusal(t, as(t, api, identity), "POST", "/open-apis/echo", eventcore.CodePlatformError)
		told.WriteString(e.Error())
	}
	platform.ExpireTokens()
	if _, err := as(t, api, openapi.Bot).CallAPI(t.Context(), "GET", "/open-apis/bot/v3/info", nil); err != nil {
		t.Fatal(err)
	}
	guard.Lock()
	defer guard.Unlock()
	told.WriteString(log.String())
	if !strings.Contains(told.String(), "[secret]") || !strings.Contains(log.String(), "/open-apis/echo") {
		t.Errorf("the log or the errors lack what they should say:\n%s", told.String())
	}
	for _, secret := range []string{platform.AppSecret(), larksim.DefaultUserToken, "t-sim"} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("%q was logged or shown", secret)
		}
	}
}

// locked is a writer that is safe to use from many goroutines.
type locked struct {
	guard *sync.Mutex
	to    *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.guard.Lock()
	defer l.guard.Unlock()
	return l.to.Write(p)
}
