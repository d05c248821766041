//go:build unix

package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// maxLine is the longest line that a server takes from a client, in bytes.
const maxLine = 4 << 20

func TestLinesThatAreNoMessagesAreAnsweredWithErrors(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	for _, line := range []struct {
		name, line string
		code       int
		says       string
	}{
		{"no JSON", `{"jsonrpc":"2.0","id":1,`, -32700, "not JSON"},
		{"a bare word", `hello`, -32700, "not JSON"},
		{"a batch", `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, -32600, "batches"},
		{"a number", `42`, -32600, "object"},
		{"an id that is an object", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, -32600, "id"},
		{"an oversized line", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", maxLine) + `"}}`, -32600, "longer than"},
	} {
		t.Run(line.name, func(t *testing.T) {
			defer a.within(t)()
			a.write(line.line)
			answer := a.await("null")
			if answer.Error == nil || answer.Error.Code != line.code || !strings.Contains(answer.Error.Message, line.says) {
				t.Errorf("answered with %+v, want code %d and %q", answer.Error, line.code, line.says)
			}
			a.request("ping", nil)
		})
	}
	if answer := a.await(a.begin("tools/call", map[string]any{"name": "no_such_tool"})); answer.Error == nil {
		t.Errorf("an unknown tool was called: %s", answer.Result)
	}
	if answer := a.await(a.begin("no/such/method", nil)); answer.Error == nil || answer.Error.Code != -32601 {
		t.Errorf("an unknown method: %+v", answer)
	}
}

func TestMalformedEventsDoNotStopTheStream(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	w.send("before")
	for _, body := range []string{``, `null`, `{`, `[]`, `"text"`, `{"schema":"2.0"}`, `{"schema":"2.0","header":{}}`, `{"challenge":"x","type":"url_verification"}`} {
		w.awaitAck(w.platform.SendBody([]byte(body), larksim.Delivery{}))
	}
	w.platform.SendGarbage(20)
	w.send("after")
	a.mustRead("before", "after")
	status := a.status()
	if len(status.Problems) != 1 || status.Problems[0].Code != "malformed_events" {
		t.Errorf("problems: %+v, want that there were malformed events", status.Problems)
	}
	if status.Source.State != "connected" || w.platform.Counts().Opened != 1 {
		t.Errorf("the connection is %s, %d were opened", status.Source.State, w.platform.Counts().Opened)
	}
}

// An event that cannot be processed is delivered as it came, whatever the filter.
func TestAnEventThatCannotBeProcessedIsDeliveredRaw(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey, map[string]any{"filter": `.content == "never"`})
	sent := w.sendEvent(larksim.Event{Type: messageKey, Body: map[string]any{"surprise": "no message here"}})
	got := a.collect(1)[0]
	if got.EventID != sent.EventID || got.Error == nil || got.Error.Code != "internal" || !strings.Contains(string(got.Data), "no message here") {
		t.Errorf("delivered: %+v, data %s", got, got.Data)
	}
	if s := a.status().Subscriptions; len(s) != 1 || s[0].Delivered != 1 || s[0].Failed != 1 {
		t.Errorf("counted: %+v", s)
	}
}

// A forwarded conversation that cannot be looked up is delivered with what is known, and why there is no more.
func TestAFailedLookupHidesNoEvent(t *testing.T) {
	w := newWorld(t)
	w.platform.Deny(http.MethodGet, "/open-apis/im/v1/messages/{id}", "im:message:readonly")
	a := w.agent(legacyEra)
	a.listen(messageKey)
	forwarded := larksim.Text(larksim.Ada, larksim.Engineering, "Merged and Forwarded Message")
	forwarded.Body.(map[string]any)["message"].(map[string]any)["message_type"] = "merge_forward"
	sent := w.sendEvent(forwarded)
	w.send("the next one")
	got := a.collect(2)
	data := decode[struct {
		MessageID    string `json:"message_id"`
		MessageType  string `json:"message_type"`
		ContentError string `json:"content_error"`
	}](t, string(got[0].Data))
	if got[0].EventID != sent.EventID || data.MessageID != forwarded.MessageID() || data.MessageType != "merge_forward" ||
		!strings.Contains(data.ContentError, "im:message:readonly") {
		t.Errorf("delivered: %s, error %v", got[0].Data, got[0].Error)
	}
	if e := got[0].Error; e == nil || e.Code != "permission_denied" || len(e.Scopes) != 1 || e.Scopes[0] != "im:message:readonly" {
		t.Errorf("the error beside it is %+v", e)
	}
	if got[1].content() != "the next one" {
		t.Errorf("then: %s", got[1].Data)
	}
	calls := w.platform.Calls()
	asked := 0
	for _, call := range calls {
		if strings.HasPrefix(call.Path, "/open-apis/im/v1/messages/") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the platform was asked for the conversation %d times, want once", asked)
	}
}

func TestWhatThePlatformSendsTwiceIsSeenOnce(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	twice := larksim.Text(larksim.Ada, larksim.Engineering, "twice")
	twice.ID = "0123456789abcdef0123456789abcdef"
	w.sendEvent(twice)
	w.sendEvent(twice)
	w.platform.DropConnections()
	w.awaitReconnected(2)
	w.sendEvent(twice)
	twice.ID = "" // the same message as another event
	w.sendEvent(twice)
	w.send("marker")
	a.mustRead("twice", "marker")
	if counters := w.status().Counters; counters.Duplicates != 3 || counters.Journaled != 2 {
		t.Errorf("counted %+v, want 3 duplicates and 2 journaled", counters)
	}
}

// awaitReconnected waits until so many connections have been opened in all, and one of them is open.
func (w *world) awaitReconnected(opened int) {
	w.t.Helper()
	ctx := within(w.t)
	err := w.platform.AwaitCounts(ctx, func(c larksim.Counts) bool { return c.Opened >= opened })
	if err == nil {
		err = w.platform.AwaitConnections(ctx, 1)
	}
	if err != nil {
		w.t.Fatalf("connection %d: %v", opened, err)
	}
}
