package mcp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// idleStreams of one server may take idleBytes each.
const idleStreams, idleBytes = 200, 64 << 10

// Clients in any number may keep a stream open, each for little.
func TestIdleHTTPStreamsAreSmall(t *testing.T) {
	for _, kind := range []string{"GET", "subscriptions/listen", eventsStreamMethod} {
		t.Run(kind, func(t *testing.T) {
			registerKeys(t, messageDefinition())
			w := serveHTTP(t, newFakeConsumer())
			w.initialize() // what is made once
			before := memory()
			w.openMany(kind, idleStreams)
			checkMemory(t, before, idleStreams, 0)
		})
	}
}

// Of many that follow events one does not read. All others get every event while it is stuck (whether it holds them up,
// TestAClientThatDoesNotReadHoldsUpOnlyItself asks in a time of its own), and what the server keeps for it is bounded.
func TestAStreamThatIsNotReadHoldsUpNoOther(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	server := newTestServer(t, consumer)
	counts := server.Metrics()
	w := serveWithSmallBuffers(t, server, HTTPOptions{})
	w.initialize()
	before := memory()
	n := crowd()
	streams := w.openMany(eventsStreamMethod, n)
	checkMemory(t, before, n, 0)

	const events, size = 32, 16 << 10 // in all, twice what the system takes for a client
	began := time.Now()
	reading := readEvents(t, streams[1:], events, size)
	for range events {
		consumer.publish(messageKey, fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", size)))
	}
	reading.Wait()
	took := time.Since(began)
	t.Logf("%d events of %d bytes for %d streams took %v", events, size, n-1, took)
	got := scrape(t, counts)
	// On a machine that is too slow for this, it is cut off by now, as it should be.
	if open := got[`subscriptions{key="`+messageKey+`"}`]; open != fmt.Sprint(n) && time.Since(began) < writeTime {
		t.Errorf("%s streams are open after %v, want all %d, the stuck one with them", open, took, n)
	}
	if told := got[`delivered_total{by="stream",key="`+messageKey+`"}`]; told == fmt.Sprint(n*events) {
		t.Error("the one that does not read was not stuck")
	}
	checkMemory(t, before, n, events*size)
	// It has lost nothing yet: what comes once it reads is what came next.
	readEvents(t, streams[:1], 3, size).Wait()
}

// crowd is how many there are of each kind that is many.
func crowd() int {
	if raceDetector {
		return idleStreams / 10 // it is slow, and after writeTime nothing is stuck any more
	}
	return idleStreams
}

// readEvents has streams read the first so many events of that size, which must be what comes, and returns who does that.
func readEvents(t *testing.T, streams []*webEvents, events, size int) *sync.WaitGroup {
	var reading sync.WaitGroup
	for _, stream := range streams {
		reading.Go(func() {
			reader := webEvents{lines: bufio.NewReaderSize(stream.lines, size)}
			for i := range events {
				if event, err := reader.next(); err != nil || !strings.Contains(event.data, fmt.Sprintf(`"eventId":"e%d"`, i+1)) {
					t.Errorf("instead of event %d came %.100s, %v", i+1, event.data, err)
					return
				}
			}
		})
	}
	return &reading
}

// checkMemory compares what the streams take, if that is not counted which is beside them, with what they may take.
func checkMemory(t *testing.T, before uint64, streams, beside int) {
	t.Helper()
	each := (int(memory()-before) - beside) / streams
	t.Logf("%d bytes for each of %d", each, streams)
	if each > idleBytes && !raceDetector {
		t.Errorf("more than %d", idleBytes)
	}
}

// memory is what is in use, after what is not has gone; the room around it is for whatever comes next.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

// smallBuffers accepts connections whose system holds little of what a client does not read.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(64 << 10)
	}
	return conn, err
}

// serveWithSmallBuffers serves on a real socket, so that a client that does not read is soon stuck.
func serveWithSmallBuffers(t *testing.T, server *Server, opts HTTPOptions) *web {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := serveHTTPOn(t, server, smallBuffers{listener}, new(net.Dialer).DialContext, opts)
	w.url = "http://" + listener.Addr().String()
	return w
}

func (w *web) openMany(kind string, n int) []*webEvents {
	streams := make([]*webEvents, n)
	for i := range streams {
		streams[i] = w.open(kind, fmt.Sprintf("agent %d", i))
	}
	return streams
}

// open opens a stream by hand, so that the client's side costs little, and returns it behind its first event. It is
// closed with the test.
func (w *web) open(kind, name string) *webEvents {
	w.t.Helper()
	client, method, message := w, "POST", ""
	switch kind {
	case "GET":
		method, client = "GET", w.initialize()
	case eventsStreamMethod:
		client, message = w.modern(name).message(kind, follow(messageKey))
	default:
		client, message = w.modern(name).message(kind, map[string]any{"notifications": map[string]any{"resourcesListChanged": true}})
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n", method, HTTPPath, len(message))
	client.header.Write(conn)
	io.WriteString(conn, "\r\n"+message)
	conn.SetReadDeadline(time.Now().Add(anySecond))
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	if err != nil {
		w.t.Fatalf("open a stream: %v", err)
	}
	stream := &webEvents{t: w.t, response: response, lines: bufio.NewReaderSize(response.Body, 512)}
	if event, err := stream.next(); err != nil {
		w.t.Fatalf("open a stream: %+v, %v", event, err)
	}
	return stream
}
