package mcp

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// events begins a stream of events.
func (w *web) events(message string) *webEvents {
	w.t.Helper()
	stream := w.stream(w.do("POST", HTTPPath, strings.NewReader(message)))
	stream.mustBe("notifications/events/active")
	return stream
}

func TestHTTPEventsStreamIsTheResponseOfItsRequest(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubble(t, consumer)
		s := w.initialize()
		s.withLog()
		get := s.get()
		get.mustBe("list_changed")
		messages := s.events(legacyMessage(eventsStreamMethod, follow(messageKey)))
		client, message := w.modern("agent").message(eventsStreamMethod, follow(reactionKey))
		reactions := client.events(message)
		consumer.publish(messageKey, `{"text":"one"}`)
		consumer.publish(reactionKey, `{}`)
		// What the session has to say is on its own stream, and a stream's events are nowhere else.
		get.mustBe("notifications/message")
		messages.mustBe(`"eventId":"e1"`)
		if event := reactions.mustBe(`"eventId":"e2"`); event.id != "" {
			t.Errorf("a stream that cannot be resumed has the event id %s", event.id)
		}
		// Heartbeats are messages, whose cursor is for the client; a session that is quiet says nothing.
		messages.mustBe("notifications/events/heartbeat")
		reactions.mustBe("notifications/events/heartbeat")
		if event, err := get.next(); err != nil || event.comment == "" {
			t.Errorf("the session said %+v, %v", event, err)
		}
		w.stop()
		messages.mustBe(`"result":{"_meta":{}}`)
		messages.mustEnd()
		reactions.mustBe(`"resultType":"complete"`)
		reactions.mustEnd()
		get.mustEnd()
		w.end()
	})
}

func TestHeartbeatsKeepAStreamAlive(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		w := serveHTTPInBubble(t, newFakeConsumer())
		stream := w.initialize().events(legacyMessage(eventsStreamMethod, follow(messageKey)))
		for range 5 {
			began := time.Now()
			if event, err := stream.next(); err != nil || !strings.Contains(event.data, "heartbeat") || time.Since(began) != heartbeatTime {
				t.Fatalf("got %+v, %v after %v", event, err, time.Since(began))
			}
		}
		w.end()
	})
}

// The status is part of the protocol only where the specification says so; see statusOf.
func TestHTTPStatusOfTheExtensionsErrors(t *testing.T) {
	registerKeys(t, messageDefinition())
	fail := func(code eventcore.Code) error { return &eventcore.Error{Code: code, Message: "it was made to fail"} }
	for name, test := range map[string]struct {
		key    any
		err    error
		code   int
		status int
	}{
		"invalid params":     {7, nil, mcpgo.INVALID_PARAMS, http.StatusBadRequest},
		"not found":          {"no.such.key", nil, codeNotFound, http.StatusOK},
		"forbidden":          {messageKey, fail(eventcore.CodePermissionDenied), codeForbidden, http.StatusOK},
		"resource exhausted": {messageKey, fail(eventcore.CodeSingleConsumer), codeExhausted, http.StatusOK},
		"no bus":             {messageKey, fail(eventcore.CodeBusUnavailable), mcpgo.INTERNAL_ERROR, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			consumer := newFakeConsumer()
			consumer.subscribeErr = test.err
			w := serveHTTP(t, consumer)
			for _, method := range []string{"events/poll", eventsStreamMethod} {
				client, message := w.modern("agent").message(method, map[string]any{"name": test.key, "cursor": nil})
				if status, text := client.post(message); status != test.status || errorOf(t, text).Code != test.code {
					t.Errorf("%s: %d %s", method, status, text)
				}
			}
		})
	}
}

func TestHTTPClientThatGoesMidEventEndsItsStream(t *testing.T) {
	registerKeys(t, messageDefinition())
	for _, era := range []string{"initialize", mcpgo.ProtocolVersion20260728} {
		t.Run(era, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				consumer := newFakeConsumer()
				w := serveHTTPInBubble(t, consumer)
				stays := w.initialize().events(legacyMessage(eventsStreamMethod, follow(messageKey)))
				client, message := w.initialize(), legacyMessage(eventsStreamMethod, follow(messageKey))
				if era != "initialize" {
					client, message = w.modern("agent").message(eventsStreamMethod, follow(messageKey))
				}
				goes := client.events(message)
				consumer.publish(messageKey, `"`+strings.Repeat("long ", 100_000)+`"`)
				if _, err := goes.lines.Peek(1000); err != nil {
					t.Fatal(err)
				}
				goes.response.Body.Close()
				stays.mustBe(`"eventId":"e1"`)
				consumer.publish(messageKey, `"after"`)
				stays.mustBe("after")
				synctest.Wait()
				if n := len(w.server.hub.readers()); n != 1 {
					t.Errorf("%d streams are left, want the one that is read", n)
				}
				w.end()
				if n := consumer.subscriptions(); n != 0 {
					t.Errorf("%d subscriptions are left", n)
				}
			})
		})
	}
}
