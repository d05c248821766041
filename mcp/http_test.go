package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

func TestHTTPClientThatInitializesHasASession(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	w := serveHTTP(t, consumer)
	s := w.initialize()
	s.subscribe()
	consumer.publish(messageKey, `{"text":"a"}`)
	if page := decode[pollResult](t, s.tool("poll_events", nil)); len(page.Events) != 1 {
		t.Errorf("polled %+v", page)
	}
	if page := decode[pollResult](t, s.tool("poll_events", nil)); len(page.Events) != 0 {
		t.Errorf("polled again %+v", page)
	}
	// Another client has a memory of its own.
	other := w.initialize()
	if status, text := other.post(legacyMessage("tools/call", toolCall("poll_events", nil))); status != http.StatusOK || !strings.Contains(text, "unknown_subscription") {
		t.Errorf("another session polled: %d %s", status, text)
	}
	if response := s.do("DELETE", HTTPPath, nil); response.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: %s", response.Status)
	}
	if !consumer.closed {
		t.Error("the consumer was not closed")
	}
	if status, _ := s.post(legacyMessage("ping", nil)); status != http.StatusNotFound {
		t.Errorf("after DELETE: %d", status)
	}
}

func TestHTTPRequestsThatAreRefused(t *testing.T) {
	w := serveHTTP(t, newFakeConsumer())
	s := w.initialize()
	ping := legacyMessage("ping", nil)
	const noSession = "Session not found" // some clients look for that, others for the code
	for name, test := range map[string]struct {
		client       *web
		method, path string
		body         string
		status       int
		says         string
	}{
		"no session":             {w, "POST", HTTPPath, ping, 400, "send initialize first"},
		"unknown session":        {s.as(mcpgo.HeaderSessionID, "none"), "POST", HTTPPath, ping, 404, noSession},
		"stream of no session":   {w, "GET", HTTPPath, "", 400, "send initialize first"},
		"unknown stream":         {s.as(mcpgo.HeaderSessionID, "none"), "GET", HTTPPath, "", 404, noSession},
		"end of no session":      {w, "DELETE", HTTPPath, "", 400, "send initialize first"},
		"end of unknown session": {s.as(mcpgo.HeaderSessionID, "none"), "DELETE", HTTPPath, "", 404, noSession},
		"other method":           {s, "PUT", HTTPPath, ping, 405, "POST"},
		"other path":             {w, "GET", "/", "", 404, HTTPPath},
		"no metrics":             {w, "GET", "/metrics", "", 404, HTTPPath},
		"content type":           {s.as("Content-Type", "text/plain"), "POST", HTTPPath, ping, 415, "application/json"},
		"no content type":        {s.as("Content-Type", ""), "POST", HTTPPath, ping, 415, "application/json"},
		"accepts no stream":      {s.as("Accept", "application/json"), "POST", HTTPPath, ping, 406, "text/event-stream"},
		"accepts no JSON":        {s.as("Accept", "text/event-stream"), "POST", HTTPPath, ping, 406, "application/json"},
		"get accepts no stream":  {s.as("Accept", "text/html"), "GET", HTTPPath, "", 406, "text/event-stream"},
		"unknown version":        {s.as(mcpgo.HeaderProtocolVersion, "1999-01-01"), "POST", HTTPPath, ping, 400, "1999-01-01"},
		"stream of that version": {s.as(mcpgo.HeaderProtocolVersion, "1999-01-01"), "GET", HTTPPath, "", 400, "1999-01-01"},
		"no JSON":                {s, "POST", HTTPPath, "{", 400, "not JSON"},
		"empty":                  {s, "POST", HTTPPath, "", 400, "not JSON"},
		"batch":                  {s, "POST", HTTPPath, "[" + ping + "]", 400, "batches"},
		"no method":              {s, "POST", HTTPPath, `{"id":1}`, 400, "no method"},
		"modern GET":             {s.as(mcpgo.HeaderProtocolVersion, "2026-07-28"), "GET", HTTPPath, "", 405, "subscriptions/listen"},
		"modern DELETE":          {s.as(mcpgo.HeaderProtocolVersion, "2026-07-28"), "DELETE", HTTPPath, "", 405, "subscriptions/listen"},
		"long":                   {s, "POST", HTTPPath, strings.Repeat(" ", maxLineBytes+1), 413, "4194304"},
	} {
		t.Run(name, func(t *testing.T) {
			response := test.client.do(test.method, test.path, strings.NewReader(test.body))
			text := test.client.body(response)
			if response.StatusCode != test.status {
				t.Errorf("%s, want %d: %s", response.Status, test.status, text)
			}
			problem := errorOf(t, text)
			if !strings.Contains(problem.Message, test.says) || (problem.Code == codeSessionNotFound) != (test.says == noSession) {
				t.Errorf("it says %q with code %d, not %q", problem.Message, problem.Code, test.says)
			}
			if allowed := response.Header.Get("Allow"); (response.StatusCode == 405) != (allowed != "") {
				t.Errorf("Allow: %q", allowed)
			}
		})
	}
	s.result("ping", nil)
}

func TestHTTPAcceptsWildcards(t *testing.T) {
	s := serveHTTP(t, newFakeConsumer()).initialize()
	for _, accept := range []string{"*/*", "application/*, text/*;q=0.5", "APPLICATION/JSON,text/event-stream"} {
		s.as("Accept", accept).result("ping", nil)
	}
}

// A body of any length costs no more memory than the longest message.
func TestHTTPHugeBodyIsRefused(t *testing.T) {
	s := serveHTTP(t, newFakeConsumer()).initialize()
	const huge = 100 << 20
	for name, body := range map[string]io.Reader{
		"of known length": io.LimitReader(zeros{}, huge), "of unknown length": io.MultiReader(io.LimitReader(zeros{}, huge)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			request, _ := http.NewRequestWithContext(t.Context(), "POST", s.url+HTTPPath, body)
			request.Header = s.header.Clone()
			if name == "of known length" {
				request.ContentLength = huge
			}
			response, err := s.client.Do(request)
			if err != nil {
				t.Skip("the connection was closed before the answer was read, as it may be:", err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("answered %s", response.Status)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 40<<20 {
				t.Errorf("it took %d MiB", used>>20)
			}
		})
	}
	s.result("ping", nil)
}

func TestHTTPResponsesAndNotificationsAreAccepted(t *testing.T) {
	s := serveHTTP(t, newFakeConsumer()).initialize()
	for _, message := range []string{
		`{"jsonrpc":"2.0","id":7,"result":{}}`, `{"jsonrpc":"2.0","method":"notifications/none"}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`,
	} {
		if status, text := s.post(message); status != http.StatusAccepted || text != "" {
			t.Errorf("%s: %d %s", message, status, text)
		}
	}
}

func TestHTTPServesEveryProtocolVersionWithSessions(t *testing.T) {
	w := serveHTTP(t, newFakeConsumer())
	for _, version := range mcpgo.ValidProtocolVersions {
		if mcpgo.IsModernProtocol(version) {
			continue
		}
		response := w.do("POST", HTTPPath, strings.NewReader(strings.Replace(initializeMessage, "2025-11-25", version, 1)))
		if answer := w.body(response); !strings.Contains(answer, `"protocolVersion":"`+version+`"`) {
			t.Errorf("initialize with %s: %s", version, answer)
		}
		s := w.as(mcpgo.HeaderSessionID, response.Header.Get(mcpgo.HeaderSessionID)).as(mcpgo.HeaderProtocolVersion, version)
		if status, text := s.post(legacyMessage("tools/list", nil)); status != http.StatusOK || !strings.Contains(text, "poll_events") {
			t.Errorf("tools/list in %s: %d %s", version, status, text)
		}
	}
}

// waitingPoll begins a poll that waits, and returns when it does.
func waitingPoll(w *web, consumer *fakeConsumer, ctx context.Context) (status chan int) {
	w.t.Helper()
	before := consumer.count()
	status = make(chan int, 1)
	go func() {
		response, err := w.try(ctx, "POST", HTTPPath, strings.NewReader(
			`{"jsonrpc":"2.0","id":"waits","method":"tools/call","params":{"name":"poll_events","arguments":{"wait_seconds":50}}}`))
		if err != nil {
			status <- 0
			return
		}
		io.Copy(io.Discard, response.Body)
		status <- response.StatusCode
	}()
	for limit := time.Now().Add(anySecond); consumer.count() == before; {
		if time.Now().After(limit) {
			w.t.Fatal("the poll did not begin to wait")
		}
		runtime.Gosched()
	}
	return status
}

func TestHTTPClientThatGoesAwayConsumesNothing(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	s := serveHTTP(t, consumer).initialize()
	s.subscribe()
	ctx, leave := context.WithCancel(t.Context())
	status := waitingPoll(s, consumer, ctx)
	leave()
	awaitFrom(t, status, "end of the poll")
	// The id is free again once the server has noticed.
	for limit := time.Now().Add(anySecond); ; {
		_, text := s.post(`{"jsonrpc":"2.0","id":"waits","method":"ping"}`)
		if !strings.Contains(text, "in use") {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("the poll goes on")
		}
	}
	consumer.publish(messageKey, `{"text":"a"}`)
	if page := decode[pollResult](t, s.tool("poll_events", nil)); len(page.Events) != 1 {
		t.Errorf("polled %+v", page)
	}
}

func TestHTTPRequestIsCancelledByNotification(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	s := serveHTTP(t, consumer).initialize()
	s.subscribe()
	status := waitingPoll(s, consumer, t.Context())
	if code, text := s.post(`{"jsonrpc":"2.0","id":"waits","method":"ping"}`); code != http.StatusBadRequest || !strings.Contains(text, "in use") {
		t.Errorf("an id in use: %d %s", code, text)
	}
	s.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"waits"}}`)
	if code := awaitFrom(t, status, "end of the poll"); code != http.StatusAccepted {
		t.Errorf("the cancelled request ended with %d", code)
	}
}

func TestHTTPEndOfTheServer(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubble(t, consumer)
		s := w.initialize()
		s.subscribe()
		stream := s.get()
		listening, message := w.modern("agent").message("subscriptions/listen", map[string]any{"notifications": map[string]any{"resourcesListChanged": true}})
		listen := listening.stream(listening.do("POST", HTTPPath, strings.NewReader(message)))
		listen.mustBe("notifications/subscriptions/acknowledged")
		status := waitingPoll(s, consumer, t.Context())
		stream.mustBe("list_changed")
		began := time.Now()
		w.stop()
		stream.mustEnd()
		listen.mustBe(`"result"`)
		listen.mustEnd()
		if code := awaitFrom(t, status, "answer"); code != http.StatusOK {
			t.Errorf("the poll ended with %d", code)
		}
		if err := w.end(); err != context.Canceled {
			t.Errorf("ended with %v", err)
		}
		if took, promised := time.Since(began), 2*time.Second; took > promised {
			t.Errorf("ending took %v, %v are promised", took, promised)
		}
		if !consumer.closed {
			t.Error("the consumer was not closed")
		}
		if _, err := w.try(t.Context(), "GET", "/healthz", nil); err == nil {
			t.Error("it still listens")
		}
	})
}

func TestHTTPSessionsAreBounded(t *testing.T) {
	server := NewServer(Options{Consumer: func() (Consumer, error) { return newFakeConsumer(), nil }})
	sessions := newHTTPSessions(server, t.Context())
	defer sessions.close(t.Context())
	for range maxHTTPSessions {
		s, err := sessions.create("")
		if err != nil {
			t.Fatal(err)
		}
		sessions.release(s)
	}
	if _, err := sessions.create(""); err == nil || !strings.Contains(err.Error(), "1000") {
		t.Errorf("one more: %v", err)
	}
	if _, err := sessions.forClient("", "agent"); err == nil || strings.Contains(err.Error(), "DELETE") {
		t.Errorf("one more of protocol 2026-07-28, which has no DELETE: %v", err)
	}
	other, err := sessions.create("alice")
	if err != nil {
		t.Fatalf("one client's sessions keep another from having any: %v", err)
	}
	sessions.release(other)
}

// In protocol 2026-07-28 every request may come by another name. Those that leave nothing to remember take no place.
func TestHTTPClientsWithoutSubscriptionsAreNotRemembered(t *testing.T) {
	registerKeys(t, messageDefinition())
	w := serveHTTP(t, newFakeConsumer())
	for i := range 10 {
		client, message := w.modern(fmt.Sprintf("agent %d", i)).message("events/list", nil)
		if status, text := client.post(message); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
	}
	w.modern("agent").tool("subscribe_event", map[string]any{"key": messageKey})
	// A session ends after its answer was sent.
	for limit := time.Now().Add(anySecond); len(w.server.openSessions()) > 1; runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatalf("%d sessions are left, want the one that subscribed", len(w.server.openSessions()))
		}
	}
	w.modern("agent").tool("poll_events", map[string]any{})
}

func TestHTTPHealthAndMetrics(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "metrics") })
	w := serveHTTP(t, newFakeConsumer(), func(o *HTTPOptions) { o.Metrics = metrics })
	if response := w.as("Host", "elsewhere.example").do("GET", "/healthz", nil); response.StatusCode != 200 || !json.Valid([]byte(w.body(response))) {
		t.Errorf("/healthz: %s", response.Status)
	}
	if text := w.body(w.do("GET", "/metrics", nil)); text != "metrics" {
		t.Errorf("/metrics: %s", text)
	}
	if response := w.as("Host", "elsewhere.example").do("GET", "/metrics", nil); response.StatusCode != http.StatusForbidden {
		t.Errorf("/metrics for a foreign page: %s", response.Status)
	}
}

func TestHTTPOpenAddressesNeedTokens(t *testing.T) {
	for addr, open := range map[string]bool{
		"127.0.0.1:80": false, "127.9.9.9:80": false, "[::1]:80": false, "[::ffff:127.0.0.1]:80": false,
		"0.0.0.0:80": true, "[::]:80": true, ":80": true, "192.0.2.1:80": true, "[2001:db8::1]:80": true,
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := (HTTPOptions{}).Check(tcp); (err != nil) != open {
			t.Errorf("%s: %v", addr, err)
		}
		if err := (HTTPOptions{Tokens: &Tokens{}}).Check(tcp); err != nil {
			t.Errorf("%s with tokens: %v", addr, err)
		}
		if err := (HTTPOptions{AllowedHosts: []string{"a"}}).Check(tcp); err == nil {
			t.Errorf("%s by another host name is open", addr)
		}
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := NewServer(Options{}).ServeStreamableHTTP(t.Context(), listener, HTTPOptions{}); err == nil {
		t.Error("an open address was served")
	}
}
