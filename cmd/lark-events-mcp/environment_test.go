//go:build unix

package main_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// wrongSecret is nobody's, and yet must not be shown.
const wrongSecret = "wrongSecretNeverShown0123456789ab"

func TestMissingCredentialsAreNamed(t *testing.T) {
	w := newWorld(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		says string
	}{
		"no app id":               {map[string]string{"LARK_APP_ID": ""}, "LARK_APP_ID"},
		"no secret":               {map[string]string{"LARK_APP_SECRET": ""}, "LARK_APP_SECRET"},
		"secret file not there":   {map[string]string{"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": "/nonexistent/secret"}, "LARK_APP_SECRET_FILE"},
		"secret file is empty":    {map[string]string{"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": empty}, "LARK_APP_SECRET_FILE"},
		"secret file is a folder": {map[string]string{"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": filepath.Dir(empty)}, "LARK_APP_SECRET_FILE"},
		"retention is no time":    {map[string]string{"LARK_EVENTS_RETENTION": "long"}, "LARK_EVENTS_RETENTION"},
		"retention is no size":    {map[string]string{"LARK_EVENTS_RETENTION_SIZE": "big"}, "LARK_EVENTS_RETENTION_SIZE"},
		"domain is none":          {map[string]string{"LARK_DOMAIN": "larkoffice"}, "LARK_DOMAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			other := w.with(t, test.env)
			a := other.agent(legacyEra)
			// What needs no account works without one.
			if found := a.tool("list_event_keys", nil); !strings.Contains(found, messageKey) {
				t.Errorf("list_event_keys: %s", found)
			}
			e := a.refused("subscribe_event", map[string]any{"key": messageKey})
			if e.Code != "credentials_missing" || !strings.Contains(e.Message, test.says) {
				t.Errorf("refused with %+v, want credentials_missing about %s", e, test.says)
			}
			if problems := a.status().Problems; len(problems) == 0 {
				t.Error("event_status has no problems")
			}
		})
	}
}

func TestTheSecretComesFromAFile(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(w.platform.AppSecret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := w.with(t, map[string]string{"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": file}).agent(legacyEra)
	a.listen(messageKey)
	w.send("hello")
	a.mustRead("hello")
}

func TestAWrongSecretIsToldAsThePlatformSaysIt(t *testing.T) {
	w := newWorld(t)
	w.secrets = append(w.secrets, wrongSecret)
	wrong := w.with(t, map[string]string{"LARK_APP_SECRET": wrongSecret})
	a := wrong.agent(legacyEra)
	e := a.refused("subscribe_event", map[string]any{"key": messageKey})
	if e.Code != "platform_error" || e.PlatformCode == 0 || !strings.Contains(e.Message, "app secret invalid") || !strings.Contains(e.Hint, "LARK_APP_SECRET") {
		t.Errorf("refused with %+v", e)
	}
	// A session with the right secret is not held up by the bus that was refused.
	right := w.agent(legacyEra)
	right.listen(messageKey)
	w.send("hello")
	right.mustRead("hello")
}

func TestAnUnusableStateDirectoryIsNamed(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a directory"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ home, says string }{
		"a file":       {file, file},
		"below a file": {filepath.Join(file, "state"), file},
		"too long":     {filepath.Join(t.TempDir(), strings.Repeat("long-", 20)), "bytes long"},
	} {
		t.Run(name, func(t *testing.T) {
			other := w.with(t, map[string]string{statedir.EnvHome: test.home})
			a := other.agent(legacyEra)
			e := a.refused("subscribe_event", map[string]any{"key": messageKey})
			if e.Code != "bus_unavailable" || !strings.Contains(e.Message, test.says) || !strings.Contains(e.Hint, statedir.EnvHome) {
				t.Errorf("refused with %+v", e)
			}
		})
	}
}

func TestABusOfAnotherVersionIsToldOf(t *testing.T) {
	w := newWorld(t)
	if err := w.app().Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(within(t), w.app())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := transport.Listen(w.app().Socket())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		refuseEverybody(listener)
	}()
	// Before the world ends its buses: this one has no process of its own.
	defer func() {
		listener.Close()
		<-served
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	}()

	a := w.agent(legacyEra)
	e := a.refused("subscribe_event", map[string]any{"key": messageKey})
	if e.Code != "bus_unavailable" || !strings.Contains(e.Message, "protocol 7") || !strings.Contains(e.Hint, "lark-events-mcp stop") {
		t.Errorf("refused with %+v", e)
	}
	p, code := w.run("consume", messageKey)
	if code != 1 || !strings.Contains(p.stderr.String(), "lark-events-mcp stop") {
		t.Errorf("consume ended with %d and %s", code, p.stderr)
	}
	if n := w.platform.Counts().Bootstraps; n != 0 {
		t.Errorf("another bus was started beside it, and connected %d times", n)
	}
}

// An app id of another platform, or a forgotten variable, must not end in silence, nor in events of the other platform.
func TestABusOfAnotherPlatformIsToldOf(t *testing.T) {
	w := newWorld(t)
	w.agent(legacyEra).listen(messageKey)
	elsewhere := w.with(t, map[string]string{"LARK_DOMAIN": "lark"})
	a := elsewhere.agent(legacyEra)
	e := a.refused("subscribe_event", map[string]any{"key": messageKey})
	if e.Code != "bus_unavailable" || !strings.Contains(e.Message, w.platform.URL()) || !strings.Contains(e.Hint, "LARK_DOMAIN") {
		t.Errorf("refused with %+v", e)
	}
	// What the hint says works from there as well.
	if p, code := elsewhere.run("stop"); code != 0 {
		t.Errorf("stop ended with %d: %s", code, p.stderr)
	}
}

// refuseEverybody answers each hello as a bus of a later protocol does.
func refuseEverybody(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		var hello protocol.Request
		if protocol.NewReader(conn, protocol.MaxRequestLine).Read(&hello) == nil {
			// The client may be gone; then it does not matter.
			_ = protocol.NewWriter(conn).Write(protocol.Response{ID: hello.ID, Error: &eventcore.Error{
				Code: eventcore.CodeBusUnavailable, Message: "the running bus speaks protocol 7, this program speaks 1",
				Hint: "run lark-events-mcp stop, and try again",
			}})
		}
		conn.Close()
	}
}

// The platform may be away when an agent subscribes: that is a state, not an error.
func TestAPlatformThatIsAwayIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	a := w.with(t, map[string]string{"LARK_DOMAIN": "http://127.0.0.1:1"}).agent(legacyEra) // where nobody listens
	sub := a.listen(messageKey)
	if sub.Source.State == "connected" || len(sub.Warnings) == 0 {
		t.Errorf("subscribed: %+v, want a warning", sub)
	}
	status := a.status()
	if len(status.Problems) == 0 || !strings.HasPrefix(status.Problems[0].Code, "source_") {
		t.Errorf("problems: %+v", status.Problems)
	}
}
