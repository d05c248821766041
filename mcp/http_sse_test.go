package mcp

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// webEvents are the server-sent events of a response.
type webEvents struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Reader
}

type sseEvent struct{ id, name, data, comment string }

// get opens the session's stream.
func (w *web) get() *webEvents {
	w.t.Helper()
	return w.stream(w.do("GET", HTTPPath, nil))
}

func (w *web) stream(response *http.Response) *webEvents {
	w.t.Helper()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		w.t.Fatalf("no stream but %s, %s: %s", response.Status, kind, w.body(response))
	}
	return &webEvents{t: w.t, response: response, lines: bufio.NewReader(response.Body)}
}

// next returns the next event, or the error that the stream ended with.
func (e *webEvents) next() (sseEvent, error) {
	var event sseEvent
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return event, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			return event, nil
		case name == "":
			event.comment = ":" + value
		case name == "id":
			event.id = value
		case name == "event":
			event.name = value
		case name == "data":
			event.data = value
		}
	}
}

// message returns the next event that has a message.
func (e *webEvents) message() sseEvent {
	e.t.Helper()
	for {
		event, err := e.next()
		if err != nil {
			e.t.Fatalf("the stream ended: %v", err)
		}
		if event.data != "" {
			return event
		}
	}
}

// mustBe checks that the next message holds a text.
func (e *webEvents) mustBe(text string) sseEvent {
	e.t.Helper()
	event := e.message()
	if !strings.Contains(event.data, text) || event.name != "message" {
		e.t.Fatalf("got %+v, want a message with %s", event, text)
	}
	return event
}

// mustEnd checks that the stream ends as it should.
func (e *webEvents) mustEnd() {
	e.t.Helper()
	for {
		event, err := e.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || event.data != "" {
			e.t.Fatalf("got %+v, %v, want the end of the stream", event, err)
		}
	}
}
