//go:build unix

package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// The secrets of the wide test have what each way of escaping changes.
const (
	plantedSecret = `pl4nted+app/secret&"<x>"`
	plantedUser   = "u-pl4nted+user/token=&x"
	plantedProxy  = "pl4ntedProxyPassword"
	strangeToken  = "aTokenThatNobodyHas+/0123456789="
)

// recorder notes all that a server answers over HTTP.
type recorder struct {
	http.RoundTripper
	evidence *evidence
}

func (r recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	r.evidence.add("answers over HTTP", response.Status, fmt.Sprint(response.Header))
	body := new(bytes.Buffer)
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(response.Body, body), closer(func() error {
		r.evidence.add("answers over HTTP", body.String())
		return nil
	})}
	return response, nil
}

type closer func() error

func (c closer) Close() error { return c() }

// TestNoSecretIsSeen drives everything there is, with all logs on, a platform that repeats what it was sent, and crashes
// at the end; no secret may be in anything that anybody can read, but in its own place.
func TestNoSecretIsSeen(t *testing.T) {
	w := newHookWorld(t, larksim.Options{AppSecret: plantedSecret, UserAccessTokens: []string{plantedUser}})
	w.secrets = append(w.secrets, plantedUser, plantedProxy, strangeToken)
	w.env["LARK_USER_ACCESS_TOKEN"] = plantedUser
	seen := newEvidence()
	cert, key := certificate(t)
	private, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	process := func(name string, pid int, also ...string) {
		for _, of := range append(also, "cmdline") {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, of)); err == nil {
				seen.add(of+" of the "+name, string(text))
			} else if !os.IsNotExist(err) {
				t.Error(err)
			}
		}
	}
	repeat := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(rw, `{"code":99,"msg":"refused with %s"}`, r.Header.Get("Authorization"))
	})
	w.platform.Handle("GET", "/open-apis/mail/v1/user_mailboxes/me/profile", repeat)
	w.platform.Handle("POST", "/open-apis/board/v1/whiteboards/{id}/subscribe", repeat)
	w.platform.PlanBootstraps(larksim.BootstrapAnswer{Code: 1, Msg: "busy with " + plantedSecret})

	bus := w.start("bus", "--keep-alive", "--log-level", "debug", "--log-format", "json")
	bus.stderr.await(t, "bus is ready")
	process("bus that a person started", bus.cmd.Process.Pid)
	w.driveStdio(seen, process)
	w.driveHTTP(seen, process, cert, key)
	w.driveCommands()
	w.driveFailures()
	// Files as they are while a bus writes them, and after its crash.
	for path, text := range w.files() {
		seen.add("file "+filepath.Base(path), text)
	}
	bus.signal(syscall.SIGQUIT)
	bus.wait()
	w.driveOnDemand(seen, process)
	w.endBuses()
	for path, text := range w.files() {
		seen.add("file "+filepath.Base(path), text)
	}
	for _, p := range w.started {
		seen.add(fmt.Sprintf("output of %v", p.cmd.Args[1:]), p.stdout.String(), p.stderr.String())
	}
	w.receiver.mu.Lock()
	seen.add("what the webhook's endpoint heard", w.heard.String())
	w.receiver.mu.Unlock()

	secrets := map[string]string{
		"the app secret": plantedSecret, "the user access token": plantedUser, "the envelope's token": larksim.VerificationToken,
		"Ada's bearer token": adaToken, "Bob's bearer token": bobToken, "a stranger's bearer token": strangeToken,
		"a webhook's secret": hookSecret, "the proxy's password": plantedProxy, "the certificate's key": strings.Split(string(private), "\n")[1],
	}
	issued := w.platform.Issued()
	for i, secret := range issued {
		secrets[fmt.Sprint("what the platform issued, number ", i)] = secret
	}
	if len(issued) < 5 {
		t.Errorf("the platform issued %d secrets only", len(issued))
	}
	seen.check(t, secrets, map[string]string{
		"the app secret": "environ of the bus that was given it", "a webhook's secret": "file webhooks.json",
	})
	seen.mustHold(t, map[string]string{
		"file journal.db": "marker", "file bus.log": "goroutine ", "output of [bus": "SIGQUIT", "output of [serve": "marker",
		"answers over HTTP": "marker", "endpoint heard": "marker", "output of [demo": "level=DEBUG", "output of [status": "connected",
	})
	if runtime.GOOS == "linux" {
		seen.mustHold(t, map[string]string{"cmdline of the server on stdio": "serve", "cmdline of the bus that was given it": "bus"})
	}
}

// driveStdio has agents use everything over stdio, one in each way of being told of events.
func (w *hookWorld) driveStdio(seen *evidence, process func(string, int, ...string)) {
	w.world.t.Helper()
	flags := []string{"--log-level", "debug"}
	for _, push := range [][]string{{"--push", "log"}, {"--push", "channel", "--allow-sender", "*"}, {"--push", "resource", "--log-format", "json"}} {
		a := w.agent(legacyEra, append(flags, push...)...)
		a.request("logging/setLevel", map[string]any{"level": "debug"})
		sub := a.listen(messageKey)
		a.request("resources/subscribe", map[string]any{"uri": sub.uri()})
		raw := a.listen("event.any", map[string]any{"params": map[string]any{"event_type": "approval_instance"}})
		everything := a.listen("event.any", map[string]any{"params": map[string]any{"event_type": messageKey}})
		stream := a.begin("events/stream", follow(messageKey, ""))
		a.told("active", stream)
		w.send("marker")
		w.awaitAck(w.platform.SendBody(fmt.Appendf(nil,
			`{"uuid":"v1-%s","token":%q,"ts":"1700000000.123","type":"event_callback","event":{"type":"approval_instance","status":"PENDING"}}`,
			push[1], larksim.VerificationToken), larksim.Delivery{}))
		w.awaitAck(w.platform.SendBody(fmt.Appendf(nil, `{"token":%q,"surprise":true}`, larksim.VerificationToken), larksim.Delivery{}))
		w.awaitAck(w.platform.SendBody(fmt.Appendf(nil, `not JSON: %q`, larksim.VerificationToken), larksim.Delivery{}))
		a.told("event", stream)
		a.note(map[string]string{"log": logMethod, "channel": channelMethod, "resource": updatedMethod}[push[1]])
		for _, uri := range []string{"lark-event://status", "lark-event://keys", "lark-event://keys/" + messageKey, "lark-event://schemas/" + messageKey,
			raw.uri(), sub.uri(), everything.uri()} {
			a.request("resources/read", map[string]any{"uri": uri})
		}
		a.collect(3)
		a.tool("describe_event_key", map[string]any{"key": messageKey})
		a.tool("list_event_keys", nil)
		a.request("prompts/get", map[string]any{"name": "digest", "arguments": map[string]any{"since": "2h", "key": messageKey}})
		a.pollEvent(messageKey, "")
		a.refused("subscribe_event", map[string]any{"key": "board.whiteboard.updated_v1", "params": map[string]any{"whiteboard_id": "Ru8nwrWFOhEmaFbEU2VbPRsHcxb"}})
		a.refused("subscribe_event", map[string]any{"key": "mail.user_mailbox.event.message_received_v1"})
		a.status()
		a.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		process("server on stdio", a.proc.cmd.Process.Pid)
		if push[1] == "resource" {
			a.proc.signal(syscall.SIGQUIT) // a crash says where every goroutine is
		}
		a.proc.stdin.Close()
		a.proc.wait()
	}
}

// driveHTTP has agents use a server over HTTP, and webhooks.
func (w *hookWorld) driveHTTP(seen *evidence, process func(string, int, ...string), cert, key string) {
	t := w.world.t
	t.Helper()
	p, a := w.serve("--tls-cert", cert, "--tls-key", key)
	a.client.Transport = recorder{a.client.Transport, seen}
	process("server over HTTP", p.cmd.Process.Pid)
	a.subscribe(w.subscription(messageKey, nil))
	a.call("subscribe_event", `{"key":"`+messageKey+`"}`)
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		http.Error(rw, "the endpoint's "+hookSecret, http.StatusInternalServerError)
	})
	w.send("marker for all")
	w.next()
	w.answers(nil)
	w.next() // tried again
	if page := a.call("poll_events", `{"wait_seconds":50}`); !strings.Contains(page, "marker") {
		t.Errorf("polled %s", page)
	}
	a.call("event_status", `{}`)
	a.metrics()
	a.ask("events/subscribe", w.subscription(messageKey, deliverTo(w.server.URL+"/in", hookSecret+"!")))
	a.ask("events/subscribe", w.subscription(messageKey, deliverTo("http://user:"+strangeToken+"@127.0.0.1/in", hookSecret)))
	for _, token := range []string{"", strangeToken, bobToken} {
		a.token = token
		a.post(toolMessage("event_status", `{}`)) // nobody, a stranger, and Bob in Ada's session
	}
	a.token = adaToken
	w.end(p)
}

// driveCommands uses the command line.
func (w *hookWorld) driveCommands() {
	for _, args := range [][]string{
		{"status"}, {"status", "--json"}, {"list"}, {"schema", messageKey}, {"version", "--json"},
		{"consume", "event.any", "--param", "event_type=" + messageKey, "--from", "earliest", "--max-events", "1", "--log-level", "debug"},
		{"demo", "--log-level", "debug"},
	} {
		if p, code := w.run(args...); code != 0 {
			w.world.t.Errorf("%v: code %d, %s", args, code, p.stderr)
		}
	}
}

// driveFailures lets everything fail that has a secret at hand. What needs a bus of its own starts it in a folder of its
// own, and its log is looked at with the other files.
func (w *hookWorld) driveFailures() {
	consume := []string{"consume", messageKey, "--timeout", "1s", "--max-events", "1", "--log-level", "debug"}
	proxy := "http://user:" + plantedProxy + "@127.0.0.1:1"
	for home, failure := range map[string]map[string]string{
		"wrong":    {"LARK_APP_SECRET": strangeToken},
		"proxy":    {"HTTP_PROXY": proxy, "http_proxy": proxy, "LARK_DOMAIN": "http://platform.invalid"},
		"password": {"LARK_DOMAIN": "http://user:" + plantedProxy + "@127.0.0.1"},
	} {
		failure["LARK_EVENTS_HOME"] = filepath.Join(string(w.home), home)
		p, _ := w.with(w.world.t, failure).run(consume...)
		w.started = append(w.started, p)
	}
	p, _ := w.with(w.world.t, map[string]string{"LARK_USER_ACCESS_TOKEN": "u-" + strangeToken}).run(
		"consume", "mail.user_mailbox.event.message_received_v1", "--timeout", "1s", "--log-level", "debug")
	w.started = append(w.started, p)
	w.platform.ExpireTokens()
}

// driveOnDemand has agents start their own bus, with the secret in the environment and in a file, and lets it crash.
func (w *hookWorld) driveOnDemand(seen *evidence, process func(string, int, ...string)) {
	t := w.world.t
	for name, changes := range map[string]map[string]string{
		"bus that was given it":       nil,
		"bus that was told of a file": {"LARK_APP_SECRET": "", "LARK_APP_SECRET_FILE": writeFile(t, "secret", plantedSecret)},
	} {
		other := w.with(t, changes)
		a := other.agent(legacyEra, "--log-level", "debug")
		a.listen(messageKey)
		w.send("marker of the last")
		pid := w.status().PID
		process(name, pid, "environ")
		a.proc.stdin.Close()
		a.proc.wait()
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end of the bus", func() bool {
			_, held := busdiscover.Running(w.app())
			return !held && !running(pid)
		})
		w.started = append(w.started, other.started...)
	}
}

func TestFilesArePrivate(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	w.send("private")
	err := filepath.Walk(w.app().Dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
