package mcp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Clients in any number may keep a stream open, one of them without reading. Each costs little, and all are served.
func TestIdleHTTPStreamsAreSmall(t *testing.T) {
	const streams, most = 200, 64 << 10
	for _, kind := range []string{"GET", "subscriptions/listen"} {
		t.Run(kind, func(t *testing.T) {
			registerKeys(t, messageDefinition())
			consumer := newFakeConsumer()
			w := serveHTTP(t, consumer)
			w.initialize() // what is made once
			before := memory()
			conns := make([]net.Conn, streams)
			for i := range conns {
				conns[i] = w.open(kind, fmt.Sprintf("agent %d", i))
				defer conns[i].Close()
			}
			each := int(memory()-before) / streams
			t.Logf("%s: %d bytes for each of %d idle streams", kind, each, streams)
			if each > most && !raceDetector {
				t.Errorf("more than %d", most)
			}
		})
	}
}

// memory is what is in use, after what is not has gone.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

// open opens a stream by hand, so that the client's side costs nothing.
func (w *web) open(kind, name string) net.Conn {
	w.t.Helper()
	var client *web
	method, message := "POST", ""
	if kind == "GET" {
		method, client = "GET", w.initialize()
	} else {
		client, message = w.modern(name).message(kind, map[string]any{"notifications": map[string]any{"resourcesListChanged": true}})
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n", method, HTTPPath, len(message))
	client.header.Write(conn)
	io.WriteString(conn, "\r\n"+message)
	conn.SetReadDeadline(time.Now().Add(anySecond))
	lines := bufio.NewReaderSize(conn, 512)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			w.t.Fatalf("open a stream: %v", err)
		}
		if strings.HasPrefix(line, "data:") { // the first event
			return conn
		}
	}
}
