package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// peer is a client as a transcript needs it, on any transport. Its methods are for the test's goroutine, and fail the
// test if what they wait for does not come.
type peer interface {
	initialize()                     // the handshake of protocols before 2026-07-28
	send(message string)             // a message of the client
	reply(id string) json.RawMessage // the answer to the request with this id, as JSON wrote it
	fault() json.RawMessage          // the next error that answers to no id
	note() json.RawMessage           // the next notification
	unread() (json.RawMessage, bool) // a notification that is there already
	hangUp()                         // the client goes
	shutDown()                       // the server is told to end
	end() error                      // hangUp, and how the server ended, if not as it was told to
}

// connect connects a peer to a server, over HTTP as ada or bob, who has the token; if that is empty, everyone may connect.
// It works in a bubble of time.
type connect func(t *testing.T, server *Server, token string) peer

func transports() map[string]connect {
	return map[string]connect{
		"stdio": func(t *testing.T, server *Server, _ string) peer {
			return stdioPeer{serveStdio(t, server).listen()}
		},
		"http": func(t *testing.T, server *Server, token string) peer {
			opts := HTTPOptions{}
			if token != "" {
				opts.Tokens = tokenFile(t, "ada", "of ada", "bob", "of bob")
			}
			p := &httpPeer{inbox: newInbox(t), web: serveHTTPInBubbleWith(t, server, opts), cancels: map[string]context.CancelFunc{}}
			p.connected, p.hang = context.WithCancel(t.Context())
			p.become(token)
			return p
		},
	}
}

type stdioPeer struct{ *client }

func (p stdioPeer) initialize() { p.client.initialize() }

func (p stdioPeer) shutDown() { p.stop(nil) }

func (p stdioPeer) end() error { return unlessTold(p.client.end()) }

// unlessTold leaves out that a server was told to end.
func unlessTold(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// httpPeer is a client of Streamable HTTP. Each message is a POST of its own; a client that initializes has a session,
// and listens to its GET stream.
type httpPeer struct {
	*inbox
	web       *web // sends the headers of the session, once there is one
	connected context.Context
	hang      context.CancelFunc
	cancels   map[string]context.CancelFunc // by the ids of the requests that were sent
}

// become makes the client one that has this token.
func (p *httpPeer) become(token string) {
	if token != "" {
		p.web = p.web.as("Authorization", "Bearer "+token)
	}
}

func (p *httpPeer) initialize() {
	p.send(initializeMessage)
	p.reply("0")
	p.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
}

// send sends a message as its era has it. A request is sent while others are answered; anything else has been accepted
// when send returns.
func (p *httpPeer) send(message string) {
	p.t.Helper()
	var head struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			RequestID json.RawMessage `json:"requestId"`
			Name      string          `json:"name"`
			URI       string          `json:"uri"`
			Meta      map[string]any  `json:"_meta"`
		} `json:"params"`
	}
	// What is wrong with a message is for the server to say.
	_ = json.Unmarshal([]byte(message), &head)
	w := p.web
	if version, ok := head.Params.Meta[mcpgo.MetaKeyProtocolVersion].(string); ok {
		w = w.as(mcpgo.HeaderProtocolVersion, version).as(mcpgo.HeaderMethod, head.Method).as(mcpgo.HeaderName, head.Params.Name+head.Params.URI)
	}
	switch {
	case head.Method == string(mcpgo.MethodNotificationCancelled) && w.header.Get(mcpgo.HeaderSessionID) == "":
		p.cancels[string(head.Params.RequestID)]() // without a session, a request is cancelled by closing it
	case head.Method == string(mcpgo.MethodInitialize):
		header := p.post(p.connected, w, message)
		p.web = w.as(mcpgo.HeaderSessionID, header.Get(mcpgo.HeaderSessionID)).as(mcpgo.HeaderProtocolVersion, "2025-11-25")
	case len(head.ID) > 0:
		ctx, cancel := context.WithCancel(p.connected)
		p.cancels[string(head.ID)] = cancel
		go p.post(ctx, w, message)
	default:
		p.post(p.connected, w, message)
	}
	if head.Method == "notifications/initialized" {
		go p.hear(p.connected, w, http.MethodGet, "")
	}
}

func (p *httpPeer) post(ctx context.Context, w *web, message string) http.Header {
	return p.hear(ctx, w, http.MethodPost, message)
}

// hear sends a request, takes what the server says in its response, to its end, and returns its headers. A request that
// cannot be sent, or is cut off, has said nothing more.
func (p *httpPeer) hear(ctx context.Context, w *web, method, message string) http.Header {
	response, err := w.try(ctx, method, HTTPPath, strings.NewReader(message))
	if err != nil {
		return http.Header{}
	}
	defer response.Body.Close()
	if response.Header.Get("Content-Type") != "text/event-stream" {
		if text, err := io.ReadAll(response.Body); err == nil && len(text) > 0 {
			p.sort(text)
		}
		return response.Header
	}
	stream := &webEvents{t: p.t, response: response, lines: bufio.NewReader(response.Body)}
	for {
		event, err := stream.next()
		if err != nil {
			return response.Header
		}
		if event.data != "" {
			p.sort([]byte(event.data))
		}
	}
}

func (p *httpPeer) hangUp() { p.hang() }

func (p *httpPeer) shutDown() { p.web.stop() }

func (p *httpPeer) end() error {
	p.hangUp()
	return unlessTold(p.web.end())
}
