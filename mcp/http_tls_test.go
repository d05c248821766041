package mcp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// testTLS returns the options of a server with TLS. It is not to be called in a bubble.
func testTLS() HTTPOptions {
	made := httptest.NewUnstartedServer(nil)
	made.StartTLS()
	defer made.Close()
	return HTTPOptions{TLS: &tls.Config{Certificates: made.TLS.Certificates}}
}

// overTLS makes the client speak TLS, and HTTP/2 if that is wanted.
func (w *web) overTLS(http2 bool) *web {
	transport := w.client.Transport.(*http.Transport)
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{InsecureSkipVerify: true}, http2
	w.url = strings.Replace(w.url, "http://", "https://", 1)
	return w
}

// streams opens one stream of each kind.
func (w *web) streams() map[string]*webEvents {
	w.t.Helper()
	listening, message := w.modern("agent").message("subscriptions/listen", map[string]any{"notifications": map[string]any{"resourcesListChanged": true}})
	listen := listening.stream(listening.do("POST", HTTPPath, strings.NewReader(message)))
	listen.mustBe("acknowledged")
	following, message := w.modern("agent").message(eventsStreamMethod, follow(messageKey))
	get := w.initialize().get()
	get.next()
	return map[string]*webEvents{"GET": get, "subscriptions/listen": listen, eventsStreamMethod: following.events(message)}
}

func TestQuietStreamsLiveOnOverTLS(t *testing.T) {
	registerKeys(t, messageDefinition())
	opts := testTLS()
	for protocol, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := serveHTTPInBubbleWith(t, newTestServer(t, newFakeConsumer()), opts).overTLS(http2)
				var reading sync.WaitGroup
				for kind, stream := range w.streams() {
					if stream.response.Proto != protocol {
						t.Errorf("%s over %s", kind, stream.response.Proto)
					}
					reading.Go(func() {
						for range 3 { // after each there is more quiet than a write may take
							if event, err := stream.next(); err != nil || event.comment == "" && !strings.Contains(event.data, "heartbeat") {
								t.Errorf("%s: got %+v, %v", kind, event, err)
								return
							}
						}
					})
				}
				reading.Wait()
				w.end()
			})
		})
	}
}

// One stream that is not read ends; another of the same connection gets everything.
func TestAnHTTP2StreamThatIsNotReadEndsAlone(t *testing.T) {
	registerKeys(t, messageDefinition())
	opts := testTLS()
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubbleWith(t, newTestServer(t, consumer), opts).overTLS(true)
		s := w.initialize()
		s.events(legacyMessage(eventsStreamMethod, follow(messageKey)))
		reads := s.events(strings.Replace(legacyMessage(eventsStreamMethod, follow(messageKey)), `"id":1`, `"id":2`, 1))
		for range 100 { // more than the client's window
			consumer.publish(messageKey, `{"text":"`+strings.Repeat("x", 100<<10)+`"}`)
			reads.mustBe("notifications/events/event")
		}
		if n := len(w.server.hub.readers()); n != 2 {
			t.Errorf("%d streams are open, want 2", n)
		}
		time.Sleep(writeTime)
		synctest.Wait()
		if n := len(w.server.hub.readers()); n != 1 {
			t.Errorf("%d streams are open, want the one that is read", n)
		}
		consumer.publish(messageKey, `{"text":"after"}`)
		reads.mustBe("after")
		w.end()
	})
}

// A client has one HTTP/2 connection for all its streams, and must still be answered beside them.
func TestAnHTTP2ConnectionHoldsManyStreams(t *testing.T) {
	registerKeys(t, messageDefinition())
	opts := testTLS()
	synctest.Test(t, func(t *testing.T) {
		w := serveHTTPInBubbleWith(t, newTestServer(t, newFakeConsumer()), opts).overTLS(true)
		w.client.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{StrictMaxConcurrentRequests: true} // one connection
		s := w.initialize()
		for id := 1000; id < 1300; id++ { // Go's default is 250
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			stop := time.AfterFunc(time.Second, cancel)
			message := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"events/stream","params":{"name":%q,"cursor":null}}`, id, messageKey)
			s.stream(s.doWithin(ctx, "POST", HTTPPath, strings.NewReader(message)))
			stop.Stop()
			defer cancel()
		}
		s.result("ping", nil)
		w.end()
	})
}
