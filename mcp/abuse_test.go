package mcp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// generous is the limit for what another agent waits beside a crowd, far above what it does wait.
const generous = 10 * time.Second

// pollBeside has an agent wait for an event that comes, and fails the test if it is held up.
func pollBeside(t *testing.T, agent *web, consumer *fakeConsumer, what string) {
	t.Helper()
	began := time.Now()
	consumer.publish(messageKey, `{"text":"for another agent"}`)
	page := decode[pollResult](t, agent.tool("poll_events", map[string]any{"wait_seconds": 50}))
	took := time.Since(began)
	t.Logf("beside %s, another agent had its event after %s", what, took)
	if len(page.Events) != 1 || took > generous {
		t.Errorf("beside %s: %d events after %s", what, len(page.Events), took)
	}
}

func TestFaultSlowConnectionsKeepNobodyOut(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	w := serveHTTP(t, consumer)
	known := w.initialize()
	known.subscribe()
	n := testutil.Faults(t, 1000, 8000)
	address := strings.TrimPrefix(w.url, "http://")
	closed := 0
	var slow []net.Conn
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); err != nil {
			closed++
		}
		slow = append(slow, conn)
	}
	pollBeside(t, known, consumer, fmt.Sprintf("%d connections that do not finish their headers (%d closed already)", n, closed))
	deadline := time.Now().Add(headerTime / 2) // before they are closed for their slowness
	for i, conn := range slow[:max(n-maxConnections, 0)] {
		conn.SetReadDeadline(deadline)
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d of %d has not made room: %v", i, n, err)
		}
	}
	stranger := w.as("X-Fresh", "1")
	stranger.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if status, text := stranger.initialize().post(legacyMessage("ping", nil)); status != http.StatusOK {
		t.Errorf("a new agent gets %d %s", status, text)
	}
}

// Connections that were served once, and are open for no purpose, keep nobody out; they end without a text, which their
// client would take for an answer.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		w := serveHTTPOn(t, newTestServer(t, newFakeConsumer()), listener, listener.dial, HTTPOptions{})
		w.url = "http://localhost"
		idle := make([]*bufio.Reader, maxConnections)
		for i := range idle {
			conn := dialPipe(t, listener)
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTPPath)
			idle[i] = bufio.NewReader(conn)
			response, err := http.ReadResponse(idle[i], nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, response.Body)
		}
		synctest.Wait()
		w.initialize().result("ping", nil)
		if rest, err := io.ReadAll(idle[0]); len(rest) > 0 || err != nil {
			t.Errorf("the first to be idle was told %q, %v", rest, err)
		}
		w.end()
	})
}

// A connection is idle when its answer has been sent, not when the answer is known: what a poll consumed must arrive.
func TestConnectionsWhoseAnswersAreUnderWayMakeNoRoom(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		w := serveHTTPOn(t, newTestServer(t, newFakeConsumer()), listener, listener.dial, HTTPOptions{})
		busy := make([]net.Conn, maxConnections)
		for i := range busy {
			busy[i] = dialPipe(t, listener)
			fmt.Fprintf(busy[i], "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTPPath)
		}
		synctest.Wait()
		if told, err := io.ReadAll(dialPipe(t, listener)); string(told) != tooManyConnections || err != nil {
			t.Errorf("one more was told %q, %v", told, err)
		}
		for i, conn := range busy {
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			response.Body.Close()
		}
		w.end()
	})
}

// A connection that makes room before it was served is told why, unless it speaks TLS, which text is not.
func TestConnectionsThatMakeRoomAreToldWhy(t *testing.T) {
	secure := testTLS()
	for name, test := range map[string]struct {
		opts HTTPOptions
		told string
	}{"HTTP": {told: tooManyConnections}, "HTTPS": {opts: secure}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := newPipeListener()
				w := serveHTTPOn(t, newTestServer(t, newFakeConsumer()), listener, listener.dial, test.opts)
				first := dialPipe(t, listener)
				for range maxConnections {
					go dialPipe(t, listener) // the last waits until the first is told
				}
				if told, err := io.ReadAll(first); string(told) != test.told || err != nil {
					t.Errorf("told %q, %v, want %q", told, err, test.told)
				}
				synctest.Wait()
				w.end()
			})
		})
	}
}

// dialPipe connects until the test ends.
func dialPipe(t *testing.T, listener *pipeListener) net.Conn {
	conn, err := listener.dial(t.Context(), "", "")
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestFaultLargeMessagesAreFewAtOnce(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	known := serveHTTP(t, consumer).initialize()
	known.subscribe()
	// One more than there is room for: whichever the server reads last is refused.
	refused := make(chan *http.Response, maxLarge+1)
	ends := make([]*io.PipeWriter, maxLarge+1)
	for i := range ends {
		body, end := io.Pipe()
		ends[i] = end
		go func() {
			if response, err := known.try(t.Context(), "POST", HTTPPath, body); err == nil {
				refused <- response
			}
		}()
		_, _ = end.Write(make([]byte, smallBody+1)) // the error is that it has been refused
	}
	select {
	case response := <-refused:
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusServiceUnavailable || errorOf(t, string(text)).Code != codeBusy {
			t.Errorf("one more gets %d %s", response.StatusCode, text)
		}
	case <-time.After(anySecond):
		t.Fatal("none was refused")
	}
	pollBeside(t, known, consumer, fmt.Sprintf("%d large messages that do not end", maxLarge))
	for _, end := range ends {
		end.CloseWithError(io.ErrUnexpectedEOF)
	}
	large := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", smallBody) + `"}}`
	var status int
	for limit := time.Now().Add(anySecond); status != http.StatusOK && time.Now().Before(limit); {
		status, _ = known.post(large) // until the server has noticed
	}
	if status != http.StatusOK {
		t.Errorf("once they are over, a large message gets %d", status)
	}
}

// A stream lasts as long as its client wants: its request must not take a place among the large messages.
func TestStreamsKeepNoLargeMessageOut(t *testing.T) {
	registerKeys(t, messageDefinition())
	w := serveHTTP(t, newFakeConsumer())
	padding := strings.Repeat(" ", smallBody)
	for _, method := range []string{eventsStreamMethod, "subscriptions/listen"} {
		for range maxLarge {
			params := follow(messageKey)
			params["notifications"] = map[string]any{"resourcesListChanged": true}
			client, message := w.modern("agent").message(method, params)
			response := client.do("POST", HTTPPath, strings.NewReader(message+padding))
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Fatalf("a large %s gets %s", method, response.Status)
			}
		}
	}
	if status, text := w.initialize().post(legacyMessage("ping", nil) + padding); status != http.StatusOK {
		t.Errorf("a large message then gets %d %s", status, text)
	}
}

func TestOnePrincipalsLargeMessagesLeaveRoomForOthers(t *testing.T) {
	c := newHTTPCrowd()
	var leave func()
	for range maxPrincipalLarge {
		var err error
		if leave, err = c.enterLarge("ada"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.enterLarge("ada"); err == nil || !strings.Contains(err.Error(), "again") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := c.enterLarge("bob"); err != nil {
		t.Errorf("another principal: %v", err)
	}
	leave()
	if _, err := c.enterLarge("ada"); err != nil {
		t.Errorf("when one is over: %v", err)
	}
}

func TestOnePrincipalsRequestsLeaveRoomForOthers(t *testing.T) {
	c := newHTTPCrowd()
	var leave func()
	for range maxPrincipalRequests {
		var err error
		if leave, err = c.enter("ada"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.enter("ada"); err == nil || !strings.Contains(err.Error(), "wait") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := c.enter("bob"); err != nil {
		t.Errorf("another principal: %v", err)
	}
	leave()
	if _, err := c.enter("ada"); err != nil {
		t.Errorf("when one is over: %v", err)
	}
}

// TestFaultRequestsWithoutEndOnStdio sends more polls, streams, lines and ids than there may be.
func TestFaultRequestsWithoutEndOnStdio(t *testing.T) {
	registerKeys(t, messageDefinition())
	c := serve(t, newFakeConsumer()).listen().initialize()
	c.subscribe(map[string]any{"key": messageKey})
	n := testutil.Faults(t, 1100, 100_000)
	poll, stream := []string{}, []string{}
	for range n {
		poll = append(poll, c.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 50})))
	}
	for range n {
		stream = append(stream, c.start("subscriptions/listen", map[string]any{
			"notifications": map[string]any{"resourcesListChanged": true}, "_meta": json.RawMessage(modernMeta),
		}))
	}
	refused := func(ids []string, limit int) {
		for _, id := range ids[len(ids)-(n-limit):] {
			if answer := c.await(id); answer.Error == nil || answer.Error.Code != codeBusy {
				t.Fatalf("request %s: %+v", id, answer)
			}
		}
	}
	refused(poll, maxRequests)
	refused(stream, maxStreams)
	c.send(`{"jsonrpc":"2.0","id":"nested","method":"ping","params":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`)
	if problem := decode[rpc](t, c.fault()).Error; problem == nil {
		t.Error("giant nesting passes")
	}
	began := time.Now()
	c.request("ping", nil)
	took := time.Since(began)
	t.Logf("%d polls and %d streams: %d and %d refused; a ping takes %s", n, n, n-maxRequests, n-maxStreams, took)
	if took > generous {
		t.Errorf("a ping took %s", took)
	}
}
