package mcp

import (
	"net/http"
	"strings"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

func TestModernHTTPClientsOfOneNameShareAMemory(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	w := serveHTTP(t, consumer)
	a := w.modern("agent")
	a.tool("subscribe_event", map[string]any{"key": messageKey})
	consumer.publish(messageKey, `{"text":"a"}`)
	if page := decode[pollResult](t, w.modern("agent").tool("poll_events", map[string]any{})); len(page.Events) != 1 {
		t.Errorf("polled %+v", page)
	}
	other, message := w.modern("other").message("tools/call", toolCall("poll_events", map[string]any{}))
	if status, text := other.post(message); status != http.StatusOK || !strings.Contains(text, "unknown_subscription") {
		t.Errorf("another client polled: %d %s", status, text)
	}
	// Ids are each client's own affair.
	waiting := make(chan string, 2)
	for range 2 {
		client, message := a.message("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50}))
		go func() {
			_, text := client.post(message)
			waiting <- text
		}()
	}
	consumer.publish(messageKey, `{"text":"b"}`)
	first := awaitFrom(t, waiting, "answer")
	consumer.publish(messageKey, `{"text":"c"}`)
	if second := awaitFrom(t, waiting, "answer"); strings.Contains(first, "in use") || strings.Contains(second, "in use") {
		t.Errorf("answered %s and %s", first, second)
	}
}

func TestModernHTTPHeadersMustAgree(t *testing.T) {
	w := serveHTTP(t, newFakeConsumer())
	call, message := w.modern("agent").message("tools/call", toolCall("event_status", map[string]any{}))
	for name, test := range map[string]struct {
		client  *web
		message string
		status  int
		code    int
	}{
		"all there":          {call, message, 200, 0},
		"name in Base64":     {call.as(mcpgo.HeaderName, "=?base64?ZXZlbnRfc3RhdHVz?="), message, 200, 0},
		"session is ignored": {call.as(mcpgo.HeaderSessionID, "none").as("Last-Event-ID", "5"), message, 200, 0},
		"no version header":  {call.as(mcpgo.HeaderProtocolVersion, ""), message, 400, mcpgo.HEADER_MISMATCH},
		"other version":      {call.as(mcpgo.HeaderProtocolVersion, "2025-11-25"), message, 400, mcpgo.HEADER_MISMATCH},
		"no version in it":   {call, strings.Replace(message, mcpgo.MetaKeyProtocolVersion, "x", 1), 400, mcpgo.INVALID_PARAMS},
		"no capabilities":    {call, strings.Replace(message, mcpgo.MetaKeyClientCapabilities, "x", 1), 400, mcpgo.INVALID_PARAMS},
		"unknown version": {call.as(mcpgo.HeaderProtocolVersion, "2099-01-01"), strings.Replace(message, "2026-07-28", "2099-01-01", 1),
			400, mcpgo.UNSUPPORTED_PROTOCOL_VERSION},
		"no method header": {call.as(mcpgo.HeaderMethod, ""), message, 400, mcpgo.HEADER_MISMATCH},
		"other method":     {call.as(mcpgo.HeaderMethod, "tools/list"), message, 400, mcpgo.HEADER_MISMATCH},
		"no name header":   {call.as(mcpgo.HeaderName, ""), message, 400, mcpgo.HEADER_MISMATCH},
		"other name":       {call.as(mcpgo.HeaderName, "poll_events"), message, 400, mcpgo.HEADER_MISMATCH},
		"no such method": {call.as(mcpgo.HeaderMethod, "tools/dance"), strings.Replace(message, "tools/call", "tools/dance", 1),
			404, mcpgo.METHOD_NOT_FOUND},
		"no longer a method": {call.as(mcpgo.HeaderMethod, "ping"), strings.Replace(message, "tools/call", "ping", 1), 404, mcpgo.METHOD_NOT_FOUND},
		"a response":         {call, `{"jsonrpc":"2.0","id":1,"result":{}}`, 400, mcpgo.INVALID_REQUEST},
	} {
		t.Run(name, func(t *testing.T) {
			response := test.client.do("POST", HTTPPath, strings.NewReader(test.message))
			text := test.client.body(response)
			if response.StatusCode != test.status || response.Header.Get(mcpgo.HeaderSessionID) != "" {
				t.Errorf("%s, want %d: %s", response.Status, test.status, text)
			}
			if test.code != 0 && errorOf(t, text).Code != test.code {
				t.Errorf("it says %s, want %d", text, test.code)
			}
		})
	}
	if status, text := call.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`); status != http.StatusAccepted {
		t.Errorf("a notification: %d %s", status, text)
	}
}

func TestModernHTTPListenIsAStream(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	w := serveHTTP(t, consumer)
	a := w.modern("agent")
	id := decode[subscribeResult](t, a.tool("subscribe_event", map[string]any{"key": messageKey})).SubscriptionID
	client, message := a.message("subscriptions/listen", map[string]any{
		"notifications": map[string]any{"resourceSubscriptions": []string{subscriptionURI(id)}},
	})
	streams := []*webEvents{}
	for range 2 {
		stream := client.stream(client.do("POST", HTTPPath, strings.NewReader(message)))
		stream.mustBe("notifications/subscriptions/acknowledged")
		streams = append(streams, stream)
	}
	consumer.publish(messageKey, `{"text":"a"}`)
	for _, stream := range streams {
		if event := stream.mustBe(subscriptionURI(id)); event.id != "" {
			t.Errorf("a stream that cannot be resumed has the event id %s", event.id)
		}
	}
	// What cannot be listened to is refused before there is a stream.
	client, message = a.message("subscriptions/listen", map[string]any{
		"notifications": map[string]any{"resourceSubscriptions": []string{"lark-event://subscriptions/none"}},
	})
	if status, text := client.post(message); status != http.StatusBadRequest || errorOf(t, text).Code != mcpgo.INVALID_PARAMS {
		t.Errorf("%d %s", status, text)
	}
}
