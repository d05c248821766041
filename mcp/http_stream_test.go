package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// withLog subscribes and has events told as log messages.
func (w *web) withLog() {
	w.t.Helper()
	w.result("logging/setLevel", map[string]any{"level": "info"})
	w.subscribe()
}

func TestGETStreamBringsWhatTheSessionSays(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	s := serveHTTP(t, consumer).initialize()
	s.withLog()
	consumer.publish(messageKey, `{"text":"before"}`)
	stream := s.get()
	if told := stream.message().data + stream.message().data; !strings.Contains(told, "list_changed") || !strings.Contains(told, "before") {
		t.Errorf("told %s", told)
	}
	consumer.publish(messageKey, `{"text":"after"}`)
	if event := stream.mustBe("after"); event.id != "3" {
		t.Errorf("the third event has the id %s", event.id)
	}
	s.do("DELETE", HTTPPath, nil)
	stream.mustEnd()
}

func TestGETStreamTellsOfResources(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	s := serveHTTP(t, consumer).initialize()
	uri := subscriptionURI(s.subscribe())
	s.result("resources/subscribe", map[string]any{"uri": uri})
	stream := s.get()
	stream.mustBe("list_changed")
	consumer.publish(messageKey, `{"text":"a"}`)
	stream.mustBe(uri)
	if read := s.result("resources/read", map[string]any{"uri": uri}); !strings.Contains(string(read), "e1") {
		t.Errorf("read %s", read)
	}
}

func TestGETStreamIsResumed(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	s := serveHTTP(t, consumer).initialize()
	s.withLog()
	first := s.get()
	if event, err := first.next(); err != nil || event.id != "0" || event.data != "" {
		t.Errorf("the stream began with %+v, %v", event, err)
	}
	first.mustBe("list_changed")
	for i := range 5 {
		consumer.publish(messageKey, fmt.Sprintf(`{"text":"m%d"}`, i))
	}
	first.mustBe("m0")
	last := first.mustBe("m1")
	// The connection breaks after the second message; the client does not know what else was on its way.
	for range 3 {
		first.message()
	}
	first.response.Body.Close()
	second := s.as(mcpgo.HeaderLastEventID, last.id).get()
	for i := 2; i < 5; i++ {
		second.mustBe(fmt.Sprintf("m%d", i))
	}
	// Without an id it goes on where it was.
	consumer.publish(messageKey, `{"text":"next"}`)
	second.mustBe("next")
	third := s.get()
	second.mustEnd()
	consumer.publish(messageKey, `{"text":"last"}`)
	third.mustBe("last")
}

func TestGETStreamTellsOfAGap(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	s := serveHTTP(t, consumer).initialize()
	s.withLog()
	id := s.subscribe()
	s.result("resources/subscribe", map[string]any{"uri": subscriptionURI(id)})
	for _, seen := range []string{"77", "of another stream"} {
		stream := s.as(mcpgo.HeaderLastEventID, seen).get()
		told := ""
		for !strings.Contains(told, "notifications were lost") || !strings.Contains(told, "list_changed") || !strings.Contains(told, subscriptionURI(id)) {
			told += stream.message().data
		}
		stream.response.Body.Close()
	}
}

// What waits for a client is bounded, and whoever has more to say waits.
func TestGETStreamIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := newHTTPStream()
		line := []byte(strings.Repeat("x", maxUnsentBytes/4))
		sent := 0
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for stream.send(ctx, line) == nil {
				sent++
			}
		}()
		synctest.Wait()
		if sent != 4 {
			t.Errorf("%d lines wait", sent)
		}
		for range 100 {
			_, id := stream.peek()
			stream.sent(id)
			synctest.Wait()
		}
		if sent != 104 || len(stream.events) > 4+maxReplayBytes/len(line) {
			t.Errorf("%d lines were taken, %d are kept", sent, len(stream.events))
		}
		if stream.rewind(1) {
			t.Error("a line that is gone can be had again")
		}
		cancel()
		synctest.Wait()
	})
}

func TestQuietStreamsAreKeptAlive(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		w := serveHTTPInBubble(t, newFakeConsumer())
		s := w.initialize()
		listening, message := w.modern("agent").message("subscriptions/listen", map[string]any{"notifications": map[string]any{"resourcesListChanged": true}})
		listen := listening.stream(listening.do("POST", HTTPPath, strings.NewReader(message)))
		listen.mustBe("acknowledged")
		get := s.get()
		get.next()
		for range 3 {
			for _, stream := range []*webEvents{get, listen} {
				began := time.Now()
				if event, err := stream.next(); err != nil || event.comment == "" {
					t.Fatalf("got %+v, %v", event, err)
				}
				if quiet := time.Since(began); quiet > keepAlive {
					t.Errorf("%v of quiet", quiet)
				}
			}
		}
		// Streams are used as long as they are open.
		time.Sleep(2 * sessionIdle)
		if err := w.end(); err == nil {
			t.Error("ended without a reason")
		}
	})
}

func TestUnusedSessionsEnd(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubble(t, consumer)
		s := w.initialize()
		s.subscribe()
		w.modern("agent").tool("event_status", map[string]any{})
		time.Sleep(sessionIdle - time.Minute)
		s.result("ping", nil)
		time.Sleep(sessionIdle - time.Minute)
		s.result("ping", nil)
		time.Sleep(sessionIdle + expireEvery)
		consumer.change(func(f *fakeConsumer) {
			if !f.closed {
				t.Error("the session was not ended")
			}
		})
		if status, _ := s.post(legacyMessage("ping", nil)); status != http.StatusNotFound {
			t.Errorf("the session that ended answered %d", status)
		}
		w.end()
	})
}

// A client that does not read loses its stream, and the others do not notice.
func TestStreamOfAClientThatDoesNotReadEnds(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubble(t, consumer)
		s, other := w.initialize(), w.initialize()
		s.withLog()
		other.withLog()
		synctest.Wait() // the change of the list waits for the stream by now
		stuck := s.get()
		reads := other.get()
		reads.mustBe("list_changed")
		long := `{"text":"` + strings.Repeat("x", 8<<10) + `"}`
		for range 20 {
			consumer.publish(messageKey, long)
			reads.mustBe("xxx")
		}
		time.Sleep(writeTime)
		synctest.Wait()
		for {
			if _, err := stuck.next(); err != nil {
				break
			}
		}
		// What was not taken is not lost.
		again := s.get()
		again.mustBe("list_changed")
		again.mustBe("xxx")
		s.result("ping", nil)
		w.end()
	})
}

// Their webhooks end as well; see TestAWebhookEndsWithItsOwnersTokens.
func TestStreamsEndWithTheirOwnersTokens(t *testing.T) {
	registerKeys(t, messageDefinition())
	tokens := tokenFile(t, "alice", "of alice", "bob", "of bob")
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubbleWith(t, newTestServer(t, consumer), HTTPOptions{Tokens: tokens})
		alice := w.as("Authorization", "Bearer of alice").streams()
		bob := w.as("Authorization", "Bearer of bob").initialize().events(legacyMessage(eventsStreamMethod, follow(messageKey)))
		if err := os.WriteFile(tokens.path, []byte(tokenLine("bob", "of bob")), 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		consumer.publish(messageKey, `{"text":"not for alice"}`)
		bob.mustBe("not for alice")
		go io.Copy(io.Discard, bob.lines)
		var reading sync.WaitGroup
		for kind, stream := range alice {
			reading.Go(func() {
				if event, err := stream.next(); !errors.Is(err, io.EOF) {
					t.Errorf("%s of who was taken out said %+v, %v", kind, event, err)
				}
			})
		}
		reading.Wait()
		if took := time.Since(began); took > keepAlive {
			t.Errorf("the streams ended after %v", took)
		}
		if n := len(w.server.hub.readers()); n != 1 {
			t.Errorf("%d streams of events are open, want one", n)
		}
		w.end()
	})
}

func TestAnAnswerThatIsReadSlowlyArrivesWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registerKeys(t, messageDefinition())
		consumer := newFakeConsumer()
		s := serveHTTPInBubble(t, consumer).initialize()
		s.result("tools/call", toolCall("subscribe_event", map[string]any{"key": messageKey}))
		consumer.publish(messageKey, `{"text":"`+strings.Repeat("x", 1<<20)+`"}`)
		response := s.do("POST", HTTPPath, strings.NewReader(legacyMessage("tools/call", toolCall("poll_events", map[string]any{}))))
		defer response.Body.Close()
		piece, size := make([]byte, 32<<10), 0
		for {
			n, err := io.ReadFull(response.Body, piece)
			if size += n; err == io.EOF || err == io.ErrUnexpectedEOF && int64(size) == response.ContentLength {
				break
			}
			if err != nil {
				t.Fatalf("after %d bytes of %d: %v", size, response.ContentLength, err)
			}
			time.Sleep(writeTime / 3)
		}
		if size < 2<<20 { // as text and as structured content
			t.Errorf("%d bytes arrived", size)
		}
	})
}
