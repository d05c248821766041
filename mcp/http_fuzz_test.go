package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// Whatever is POSTed, the server answers, with a message or a stream of them, and says by its status what is wrong.
func FuzzHTTP(f *testing.F) {
	for _, messages := range said(f) {
		for i, message := range messages {
			if i%4 == 0 { // each is a server of its own
				f.Add([]byte(message), "", true)
			}
		}
	}
	for i, message := range nasty {
		f.Add([]byte(message), []string{"2026-07-28", "2025-11-25", "", "2099-01-01"}[i%4], i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, body []byte, version string, initialized bool) {
		registerKeys(t, messageDefinition(), reactionDefinition())
		synctest.Test(t, func(t *testing.T) {
			consumer := newFakeConsumer()
			consumer.publish(messageKey, `{"text":"1"}`, `!{"text":"2"}`)
			w := serveHTTPInBubble(t, consumer)
			if initialized {
				w = w.initialize()
			}
			checkReply(t, repeatInHeaders(w, version, body), body)
		})
	})
}

// repeatInHeaders returns a client whose headers say of a message what protocol 2026-07-28 wants them to.
func repeatInHeaders(w *web, version string, body []byte) *web {
	var message struct {
		Method string `json:"method"`
		Params struct {
			Name string `json:"name"`
			URI  string `json:"uri"`
		} `json:"params"`
	}
	_ = json.Unmarshal(body, &message) // what it has not is left out
	for name, value := range map[string]string{
		mcpgo.HeaderProtocolVersion: version, mcpgo.HeaderMethod: message.Method, mcpgo.HeaderName: message.Params.Name + message.Params.URI,
	} {
		sendable := strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) < 0
		if value != "" && sendable {
			w = w.as(name, value)
		}
	}
	return w
}

// checkReply POSTs a body and fails the test unless the reply is one that a client can use.
func checkReply(t *testing.T, w *web, body []byte) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // longer than any poll; streams go on
	defer cancel()
	response, err := w.try(ctx, "POST", HTTPPath, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	kind := response.Header.Get("Content-Type")
	switch response.StatusCode {
	case http.StatusAccepted:
		if len(text) > 0 {
			t.Errorf("%s with %q", response.Status, text)
		}
	case http.StatusOK, http.StatusBadRequest, http.StatusNotFound:
		if kind == "text/event-stream" {
			checkEvents(t, text)
		} else if kind != "application/json" {
			t.Errorf("%s with a %q: %q", response.Status, kind, text)
		} else if _, isAnswer := checkMessage(t, text); !isAnswer {
			t.Errorf("%s with %s", response.Status, text)
		}
	default:
		t.Errorf("%s with %q", response.Status, text)
	}
}

// checkEvents fails the test unless a stream's data are messages.
func checkEvents(t *testing.T, stream []byte) {
	for line := range bytes.Lines(stream) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok && len(bytes.TrimSpace(data)) > 0 && bytes.HasSuffix(line, []byte("\n")) {
			checkMessage(t, bytes.TrimSpace(data))
		}
	}
}
