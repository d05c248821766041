package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// web is a server on Streamable HTTP, and a client that speaks to it.
type web struct {
	t      *testing.T
	server *Server
	url    string
	client *http.Client
	// header is sent with every request.
	header http.Header
	stop   context.CancelFunc
	ended  chan error
}

// serveHTTP starts a server on a fake consumer, on a real socket, and ends it with the test.
func serveHTTP(t *testing.T, consumer Consumer, change ...func(*HTTPOptions)) *web {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var opts HTTPOptions
	for _, f := range change {
		f(&opts)
	}
	w := serveHTTPOn(t, newTestServer(t, consumer), listener, new(net.Dialer).DialContext, opts)
	w.url = "http://" + listener.Addr().String()
	return w
}

// serveHTTPInBubble serves on connections within the process, whose time is the test's.
func serveHTTPInBubble(t *testing.T, consumer Consumer, change ...func(*Options)) *web {
	t.Helper()
	return serveHTTPInBubbleWith(t, newTestServer(t, consumer, change...), HTTPOptions{})
}

func serveHTTPInBubbleWith(t *testing.T, server *Server, opts HTTPOptions) *web {
	t.Helper()
	listener := newPipeListener()
	w := serveHTTPOn(t, server, listener, listener.dial, opts)
	w.url = "http://localhost"
	return w
}

func serveHTTPOn(t *testing.T, server *Server, listener net.Listener, dial func(context.Context, string, string) (net.Conn, error),
	opts HTTPOptions,
) *web {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	w := &web{t: t, server: server, client: &http.Client{Transport: transport}, header: http.Header{}, stop: stop, ended: make(chan error, 1)}
	w.header.Set("Content-Type", "application/json")
	w.header.Set("Accept", "application/json, text/event-stream")
	go func() { w.ended <- server.ServeStreamableHTTP(ctx, listener, opts) }()
	t.Cleanup(func() {
		w.end()
		transport.CloseIdleConnections()
	})
	return w
}

// end ends the server and returns how it ended.
func (w *web) end() error {
	w.t.Helper()
	w.stop()
	select {
	case err := <-w.ended:
		w.ended <- err
		return err
	case <-time.After(anySecond):
		w.t.Fatal("the server did not end")
		return errors.New("unreachable")
	}
}

// as returns the same client with another header; an empty value takes it out.
func (w *web) as(name, value string) *web {
	other := *w
	other.header = w.header.Clone()
	other.header.Set(name, value)
	if value == "" {
		other.header.Del(name)
	}
	return &other
}

// do sends a request; the answer's body is closed with the test.
func (w *web) do(method, path string, body io.Reader) *http.Response {
	w.t.Helper()
	return w.doWithin(w.t.Context(), method, path, body)
}

func (w *web) doWithin(ctx context.Context, method, path string, body io.Reader) *http.Response {
	w.t.Helper()
	response, err := w.try(ctx, method, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response
}

func (w *web) try(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, w.url+path, body)
	if err != nil {
		return nil, err
	}
	request.Header = w.header.Clone()
	if host := w.header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := w.client.Do(request)
	if err == nil {
		w.t.Cleanup(func() { response.Body.Close() })
	}
	return response, err
}

// post sends a message and returns the status and the whole body.
func (w *web) post(message string) (int, string) {
	w.t.Helper()
	response := w.do("POST", HTTPPath, strings.NewReader(message))
	return response.StatusCode, w.body(response)
}

func (w *web) body(response *http.Response) string {
	w.t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatalf("read the answer: %v", err)
	}
	return string(text)
}

// initialize returns a client with a session.
func (w *web) initialize() *web {
	w.t.Helper()
	response := w.do("POST", HTTPPath, strings.NewReader(initializeMessage))
	answer := w.body(response)
	id := response.Header.Get(mcpgo.HeaderSessionID)
	if response.StatusCode != http.StatusOK || id == "" {
		w.t.Fatalf("initialize: %s, session %q: %s", response.Status, id, answer)
	}
	s := w.as(mcpgo.HeaderSessionID, id).as(mcpgo.HeaderProtocolVersion, "2025-11-25")
	if status, text := s.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`); status != http.StatusAccepted || text != "" {
		w.t.Fatalf("notifications/initialized: %d %s", status, text)
	}
	return s
}

const initializeMessage = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},` +
	`"clientInfo":{"name":"test","version":"1"}}}`

// legacyMessage is a request of a client that initialized.
func legacyMessage(method string, params any) string {
	text, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	return string(text)
}

// result sends a request, which must succeed.
func (w *web) result(method string, params any) json.RawMessage {
	w.t.Helper()
	status, text := w.post(legacyMessage(method, params))
	answer := decode[rpc](w.t, json.RawMessage(text))
	if status != http.StatusOK || answer.Error != nil {
		w.t.Fatalf("%s: %d %s", method, status, text)
	}
	return answer.Result
}

func (w *web) tool(name string, args any) json.RawMessage {
	w.t.Helper()
	result := decode[toolAnswer](w.t, w.result("tools/call", toolCall(name, args)))
	if result.IsError {
		w.t.Fatalf("%s: %s", name, result.StructuredContent)
	}
	return result.StructuredContent
}

func (w *web) subscribe() string {
	w.t.Helper()
	return decode[subscribeResult](w.t, w.tool("subscribe_event", map[string]any{"key": messageKey})).SubscriptionID
}

// modern is a client of protocol 2026-07-28 by this name.
type modernClient struct {
	*web
	name string
}

func (w *web) modern(name string) modernClient {
	return modernClient{w.as(mcpgo.HeaderProtocolVersion, mcpgo.ProtocolVersion20260728), name}
}

// message returns a request, and the client with the headers that it needs.
func (m modernClient) message(method string, params map[string]any) (*web, string) {
	with := map[string]any{"_meta": map[string]any{
		mcpgo.MetaKeyProtocolVersion: mcpgo.ProtocolVersion20260728, mcpgo.MetaKeyClientCapabilities: map[string]any{},
		mcpgo.MetaKeyClientInfo: map[string]any{"name": m.name, "version": "1"},
	}}
	for key, value := range params {
		with[key] = value
	}
	w := m.as(mcpgo.HeaderMethod, method)
	for _, field := range []string{"name", "uri"} {
		if name, ok := params[field].(string); ok {
			w = w.as(mcpgo.HeaderName, name)
		}
	}
	return w, legacyMessage(method, with)
}

func (m modernClient) tool(name string, args any) json.RawMessage {
	m.t.Helper()
	w, message := m.message("tools/call", toolCall(name, args))
	status, text := w.post(message)
	result := decode[toolAnswer](m.t, decode[rpc](m.t, json.RawMessage(text)).Result)
	if status != http.StatusOK || result.IsError {
		m.t.Fatalf("%s: %d %s", name, status, text)
	}
	return result.StructuredContent
}

// pipeListener accepts connections from within the process.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
}

// errorOf returns the JSON-RPC error of an answer.
func errorOf(t *testing.T, body string) *rpcError {
	t.Helper()
	if !bytes.HasPrefix([]byte(body), []byte("{")) {
		t.Fatalf("the answer is no JSON: %s", body)
	}
	answer := decode[rpc](t, json.RawMessage(body))
	if answer.Error == nil {
		t.Fatalf("no error in %s", body)
	}
	return answer.Error
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// awaitFrom waits for something that a goroutine of the test does.
func awaitFrom[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(anySecond):
		t.Fatalf("no %s within %v", what, anySecond)
		panic("unreachable")
	}
}
