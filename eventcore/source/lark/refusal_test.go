package lark

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestAPassingRefusalIsRetried(t *testing.T) {
	cases := []struct {
		name      string
		bootstrap larksim.BootstrapAnswer
		handshake larksim.HandshakeAnswer
		says      string
	}{
		{name: "busy", bootstrap: larksim.BootstrapAnswer{Code: 1, Msg: "system busy"}, says: `busy (code 1): "system busy"`},
		{name: "internal error", bootstrap: larksim.BootstrapAnswer{Code: 1000040343}, says: "1000040343"},
		{name: "busy, by another code", bootstrap: larksim.BootstrapAnswer{Code: 1000040345, Msg: "system busy"}, says: "1000040345"},
		{name: "too many requests", bootstrap: larksim.BootstrapAnswer{Code: 99991400}, says: "99991400"},
		{name: "no endpoint", bootstrap: larksim.BootstrapAnswer{NoURL: true}, says: "no endpoint"},
		{name: "HTTP 502", bootstrap: larksim.BootstrapAnswer{Status: 502, Body: "<html>"}, says: "HTTP 502"},
		{name: "HTTP 429", bootstrap: larksim.BootstrapAnswer{Status: 429, Code: 99991400, Msg: "slow down"}, says: "slow down"},
		{name: "a captive portal", bootstrap: larksim.BootstrapAnswer{Body: "<html>please log in"}, says: "not the platform's"},
		{name: "a redirect", bootstrap: larksim.BootstrapAnswer{Status: 307, Body: "elsewhere"}, says: "HTTP 307"},
		{name: "an address that is none", bootstrap: larksim.BootstrapAnswer{Body: `{"code":0,"data":{"URL":"http://x/?ticket=1"}}`}, says: "no WebSocket"},
		{name: "handshake failed", handshake: larksim.HandshakeAnswer{Status: 514, Msg: "auth failed", AuthErrCode: 7}, says: `514 (code 7): "auth failed"`},
		{name: "handshake unexplained", handshake: larksim.HandshakeAnswer{Msg: "?"}, says: "HTTP 400"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, larksim.Options{})
			if c.handshake != (larksim.HandshakeAnswer{}) {
				s.platform.PlanHandshakes(c.handshake)
			} else {
				s.platform.PlanBootstraps(c.bootstrap)
			}
			s.run(t)
			state := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
			if state.Attempt != 2 || !strings.Contains(state.LastError, c.says) {
				t.Errorf("attempt %d after %q, want attempt 2 after an error that says %q", state.Attempt, state.LastError, c.says)
			}
			if strings.Contains(state.LastError+state.Detail, "ticket") {
				t.Error("the state quotes the address")
			}
			back := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected })
			if back.Reconnects != 0 {
				t.Errorf("%d reconnects, want none: it is the first connection", back.Reconnects)
			}
		})
	}
}

func TestAFinalRefusalEndsRun(t *testing.T) {
	wrongSecret := func(o *Options) { o.AppSecret = "wrongSecretNeverShown" }
	cases := []struct {
		name   string
		adjust func(*Options)
		plan   func(*larksim.Platform)
		code   eventcore.Code
		number int
		says   []string
	}{
		{
			name: "wrong secret", adjust: wrongSecret, code: eventcore.CodePlatformError, number: 10014,
			says: []string{"app secret invalid", "LARK_APP_SECRET", "LARK_APP_ID", "developer console"},
		},
		{
			name: "unknown app", adjust: func(o *Options) { o.AppID = "cli_unknown" },
			code: eventcore.CodePlatformError, number: 10014, says: []string{"app id not exists", "LARK_APP_ID"},
		},
		{
			name: "the other platform's app", code: eventcore.CodePlatformError, number: 1000040351,
			plan: func(p *larksim.Platform) {
				p.PlanBootstraps(larksim.BootstrapAnswer{Code: 1000040351, Msg: "Incorrect domain name"})
			},
			says: []string{"Incorrect domain name", "LARK_DOMAIN"},
		},
		{
			name: "refused with HTTP 400", code: eventcore.CodePlatformError, number: 4711,
			plan: func(p *larksim.Platform) {
				p.PlanBootstraps(larksim.BootstrapAnswer{Status: 400, Code: 4711, Msg: "no long connection for you"})
			},
			says: []string{"no long connection for you", "Events & Callbacks"},
		},
		{
			name: "not a platform", code: eventcore.CodePlatformError,
			plan: func(p *larksim.Platform) {
				p.PlanBootstraps(larksim.BootstrapAnswer{Status: 404, Body: "404 page not found"})
			},
			says: []string{"404", "LARK_DOMAIN"},
		},
		{
			name: "forbidden in the handshake", code: eventcore.CodePlatformError, number: 403,
			plan: func(p *larksim.Platform) {
				p.PlanHandshakes(larksim.HandshakeAnswer{Status: 403, Msg: "app banned"})
			},
			says: []string{"app banned", "LARK_APP_ID"},
		},
		{
			name: "no app id", adjust: func(o *Options) { o.AppID = "" },
			code: eventcore.CodeCredentialsMissing, says: []string{"LARK_APP_ID is not set"},
		},
		{
			name: "no secret", adjust: func(o *Options) { o.AppSecret = "" },
			code: eventcore.CodeCredentialsMissing, says: []string{"LARK_APP_SECRET is not set"},
		},
		{
			name: "a base URL that is none", adjust: func(o *Options) { o.BaseURL = "http://[" },
			code: eventcore.CodePlatformError, says: []string{"no base URL", "LARK_DOMAIN"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, larksim.Options{})
			if c.plan != nil {
				c.plan(s.platform)
			}
			adjust := c.adjust
			if adjust == nil {
				adjust = func(*Options) {}
			}
			s.run(t, adjust)
			err := s.wait(t)
			var final *eventcore.Error
			if !errors.As(err, &final) {
				t.Fatalf("Run returned %v, want an *eventcore.Error", err)
			}
			if final.Code != c.code || final.PlatformCode != c.number {
				t.Errorf("code %s/%d, want %s/%d", final.Code, final.PlatformCode, c.code, c.number)
			}
			for _, want := range c.says {
				if !strings.Contains(final.Error(), want) {
					t.Errorf("%q does not say %q", final.Error(), want)
				}
			}
			states := s.sink.history()
			last := states[len(states)-1]
			if last.Phase != source.Failed || last.Err != final || last.Attempt != 0 {
				t.Errorf("last state %+v, want failed with the error", last)
			}
			if strings.Contains(err.Error()+s.logs.String(), "NeverShown") {
				t.Error("the secret was shown")
			}
		})
	}
}

func TestTooManyConnectionsIsRetriedSlowly(t *testing.T) {
	s := prepare(t, larksim.Options{ReconnectInterval: time.Second, MaxConnections: 1})
	s.run(t)
	s.connected(t)

	second := &session{platform: s.platform, sink: newRecorder(), logs: &logs{}, done: make(chan struct{})}
	second.run(t)
	state := second.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
	if !strings.Contains(state.Detail, "as many connections open as the platform allows") {
		t.Errorf("detail %q, want it to say that there are too many connections", state.Detail)
	}
	s.stop(t)
	second.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected })
}

// A gateway whose platform is away for a moment knows no long connection.
func TestAPlatformThatWasThereIsNotGivenUpFor404(t *testing.T) {
	s := start(t, larksim.Options{ReconnectInterval: time.Second})
	s.connected(t)
	s.platform.PlanBootstraps(larksim.BootstrapAnswer{Status: 404, Body: "404 page not found"})
	s.platform.DropConnections()
	state := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected && state.Reconnects == 1 })
	if !strings.Contains(state.LastError, "404") {
		t.Errorf("the last error is %q, want it to say what was answered", state.LastError)
	}
}

func TestNobodyListens(t *testing.T) {
	s := prepare(t, larksim.Options{})
	s.run(t, func(o *Options) { o.BaseURL = "http://127.0.0.1:1" })
	state := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
	if !strings.Contains(state.LastError, "127.0.0.1:1") {
		t.Errorf("the error %q does not name the host", state.LastError)
	}
}
