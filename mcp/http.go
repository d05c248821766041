package mcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

const (
	// HTTPPath is where MCP is served.
	HTTPPath = "/mcp"

	headerTime     = 10 * time.Second // to send the headers of a request
	bodyTime       = 30 * time.Second // to send its body
	writeTime      = 10 * time.Second // to read one message of a stream, or one piece of an answer; then it ends
	writePiece     = 64 << 10
	idleConnection = 2 * time.Minute
	maxHeaderBytes = 64 << 10

	// maxHTTP2Streams bounds what is open at once over one HTTP/2 connection: the idle streams of one client, too many of
	// which would hold up its next request.
	maxHTTP2Streams = 1000
)

// HTTPOptions configures [Server.ServeStreamableHTTP].
type HTTPOptions struct {
	// Tokens are those who may connect. Nil lets everyone on this machine connect, and needs a loopback address.
	Tokens *Tokens
	// AllowedHosts are names, beside those of the loopback interface, that a request over the loopback interface may
	// have in its Host and Origin headers: those by which a reverse proxy on this machine is reached. They need Tokens.
	AllowedHosts []string
	// TLS is used if it is not nil.
	TLS *tls.Config
	// Metrics is served at /metrics; nil serves nothing there.
	Metrics http.Handler
}

// Check returns an error that says why a server with these options must not listen on addr.
func (o HTTPOptions) Check(addr net.Addr) error {
	switch {
	case o.Tokens != nil:
		return nil
	case len(o.AllowedHosts) > 0:
		return errors.New("a server that is reached by other host names is open to other machines, and must know who connects: it needs tokens")
	case !isLoopback(addr):
		return fmt.Errorf("%s can be reached from other machines, and the server must know who connects: it needs tokens, or an "+
			"address such as 127.0.0.1", addr)
	}
	return nil
}

// httpTransport serves MCP over HTTP: it finds the session that a request belongs to, and has it answer.
type httpTransport struct {
	opts     HTTPOptions
	sessions *httpSessions
	crowd    *httpCrowd
}

// ServeStreamableHTTP serves any number of clients over Streamable HTTP at [HTTPPath], in both protocol eras, and
// /healthz and /metrics beside it. It returns ctx's error when ctx ends, or why listener cannot be served; within two
// seconds, with all sessions ended and listener closed. What [HTTPOptions.Check] refuses is not served.
//
// A client that initializes has a session of its own, until it ends it or leaves it unused for 30 minutes. Clients of
// protocol 2026-07-28 have no sessions; those of one principal that give the same name share one here.
func (s *Server) ServeStreamableHTTP(ctx context.Context, listener net.Listener, opts HTTPOptions) error {
	if err := opts.Check(listener.Addr()); err != nil {
		listener.Close()
		return err
	}
	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()
	t := &httpTransport{opts: opts, sessions: newHTTPSessions(s, requests), crowd: newHTTPCrowd()}
	t.sessions.tokens = opts.Tokens
	listener = limitConnections(listener, opts.TLS != nil)
	web := &http.Server{
		Handler: t, TLSConfig: opts.TLS, ReadHeaderTimeout: headerTime, IdleTimeout: idleConnection, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return requests }, ConnContext: withGuest,
		ConnState: dismissIdle,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: maxHTTP2Streams},
		ErrorLog:  slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() {
		if opts.TLS != nil {
			served <- web.ServeTLS(listener, "", "")
			return
		}
		served <- web.Serve(listener)
	}()
	var expiring sync.WaitGroup
	expiring.Go(t.sessions.expire)

	var err error
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
	case err = <-served:
		served <- err
		err = fmt.Errorf("serve HTTP on %s: %w", listener.Addr(), err)
	}

	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	t.sessions.drain()
	if shutdown(closing, web) != nil {
		cancelRequests()
		// What is cancelled ends by itself; a client that does not read is cut off.
		if shutdown(closing, web) != nil {
			web.Close()
		}
	}
	cancelRequests()
	waitOr(closing, &expiring)
	t.sessions.close(closing)
	s.Close(closing)
	<-served
	return err
}

// shutdown waits for the requests under way, but not long.
func shutdown(ctx context.Context, web *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	return web.Shutdown(ctx)
}

func (t *httpTransport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/healthz":
		writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
		return
	case r.URL.Path == HTTPPath, r.URL.Path == "/metrics" && t.opts.Metrics != nil:
	default:
		refuse(w, http.StatusNotFound, nil, "there is nothing at this path; MCP is at "+HTTPPath)
		return
	}
	principal, ok := t.admit(w, r)
	if !ok {
		return
	}
	admitConnection(r.Context())
	leave, err := t.crowd.enter(principal)
	if err != nil {
		writeJSON(w, http.StatusTooManyRequests, encodeError(nil, &rpcError{Code: codeBusy, Message: err.Error()}))
		return
	}
	defer leave()
	switch {
	case r.URL.Path != HTTPPath:
		t.opts.Metrics.ServeHTTP(w, r)
	case r.Method == http.MethodPost:
		t.post(w, r, principal)
	case r.Method == http.MethodGet:
		t.get(w, r, principal)
	case r.Method == http.MethodDelete:
		t.delete(w, r, principal)
	default:
		refuseMethod(w, "POST, GET, DELETE", r.Method+" is not used by MCP; messages are sent with POST")
	}
}

// isLoopback reports whether addr cannot be reached from other machines.
func isLoopback(addr net.Addr) bool {
	if addr == nil {
		return false
	}
	parsed, err := netip.ParseAddrPort(addr.String())
	return err == nil && parsed.Addr().Unmap().IsLoopback()
}

// refuse answers with a JSON-RPC error for what is wrong with an HTTP request; id is that of its message, if it is known.
func refuse(w http.ResponseWriter, status int, id []byte, message string) {
	writeJSON(w, status, encodeError(id, &rpcError{Code: mcpgo.INVALID_REQUEST, Message: message}))
}

// refuseMethod answers to an HTTP method that is not served; allowed are those that are.
func refuseMethod(w http.ResponseWriter, allowed, message string) {
	w.Header().Set("Allow", allowed)
	refuse(w, http.StatusMethodNotAllowed, nil, message)
}

// writeJSON writes a whole answer. A client that does not read is cut off, not one that reads slowly.
func writeJSON(w http.ResponseWriter, status int, line []byte) {
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(line)))
	w.WriteHeader(status)
	for piece := range slices.Chunk(line, writePiece) {
		// The error is that the writer has no deadlines, as in a test.
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}
