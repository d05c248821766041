package openapi_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/openapi"
)

// failing answers with status and header until it has failed a number of times.
type failing struct {
	times  atomic.Int32
	status int
	header map[string]string
	body   string
}

func (f *failing) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if f.times.Add(-1) < 0 {
		_, _ = w.Write([]byte(`{"code":0,"data":{"done":true}}`))
		return
	}
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(f.body))
}

func TestWhatIsSafeIsTriedAgain(t *testing.T) {
	limited := `{"code":99991400,"msg":"request trigger frequency limit"}`
	cases := []struct {
		name   string
		method string
		fail   *failing
		calls  int // that reach the platform
		done   bool
	}{
		{"a server error of a GET", "GET", &failing{status: 502, body: "<html>"}, 2, true},
		{"a gateway timeout of a GET", "GET", &failing{status: 504}, 2, true},
		{"a server error of a DELETE", "DELETE", &failing{status: 500, body: `{"code":1,"msg":"x"}`}, 2, true},
		{"not a server error of a POST", "POST", &failing{status: 500, body: `{"code":1,"msg":"x"}`}, 1, false},
		{"not a gateway timeout of a POST", "POST", &failing{status: 504}, 1, false},
		{"a rate limit of a POST", "POST", &failing{status: 429, body: limited, header: map[string]string{"x-ogw-ratelimit-reset": "1"}}, 2, true},
		{"a rate limit by its code", "POST", &failing{status: 400, body: limited}, 2, true},
		{"not a rate limit that outlasts the call", "GET", &failing{status: 429, body: limited, header: map[string]string{"Retry-After": "600"}}, 1, false},
		{"not a plain refusal", "GET", &failing{status: 400, body: `{"code":4711,"msg":"no"}`}, 1, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			platform, api := setup(t)
			c.fail.times.Store(1)
			platform.Handle(c.method, "/open-apis/x", c.fail)
			began := time.Now()
			data, err := as(t, api, openapi.User).CallAPI(t.Context(), c.method, "/open-apis/x", nil)
			if done := string(data) == `{"done":true}`; done != c.done || (err == nil) != c.done {
				t.Errorf("got %s (%v), want done %v", data, err, c.done)
			}
			if err != nil && !eventcore.IsCode(err, eventcore.CodePlatformError) {
				t.Errorf("error %v, want a platform_error", err)
			}
			if n := len(platform.Calls()); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
			if reset := c.fail.header["x-ogw-ratelimit-reset"]; reset != "" && time.Since(began) < time.Second {
				t.Errorf("tried again after %v, want the second that the platform named", time.Since(began))
			}
		})
	}
}

func TestAttemptsEnd(t *testing.T) {
	platform, api := setup(t)
	fail := &failing{status: 503, body: "busy"}
	fail.times.Store(1000)
	platform.Handle("GET", "/open-apis/x", fail)
	says(t, refusal(t, as(t, api, openapi.User), "GET", "/open-apis/x", eventcore.CodePlatformError), "HTTP 503", "try again later")
	if n := len(platform.Calls()); n != 4 {
		t.Errorf("%d attempts, want 4", n)
	}
}
