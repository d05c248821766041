package mcp

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// hookEndpoint is where webhooks are delivered to, within the process: every host below example.com, and example.org, for
// which it has no certificate. There are no other hosts. It echoes challenges, but not those to /deaf; what is POSTed to
// /hang is not answered.
type hookEndpoint struct {
	t        *testing.T
	listener *pipeListener
	roots    *x509.CertPool
	status   atomic.Int32
	got      chan json.RawMessage
}

// newHookEndpoint must be called in a bubble of time.
func newHookEndpoint(t *testing.T) *hookEndpoint {
	e := &hookEndpoint{t: t, listener: newPipeListener(), roots: x509.NewCertPool(), got: make(chan json.RawMessage, 100)}
	e.status.Store(http.StatusOK)
	server := &httptest.Server{Listener: e.listener, Config: &http.Server{Handler: e, ErrorLog: log.New(io.Discard, "", 0)}}
	server.StartTLS()
	e.roots.AddCert(server.Certificate())
	t.Cleanup(func() {
		for len(e.got) > 0 {
			t.Errorf("nobody waited for %s", <-e.got)
		}
		time.Sleep(6 * time.Second) // the farewell of a TLS connection takes 5 s where nobody reads it
		server.Close()
	})
	return e
}

// offer makes a server offer webhooks, which it delivers here and nowhere else.
func (e *hookEndpoint) offer(server *Server, most int) {
	manager, err := webhook.New(webhook.Options{Feeds: server.Feeds(), Dir: e.t.TempDir(), MaxSubscriptions: most,
		RootCAs: e.roots, Resolver: e, Dial: e.listener.dial})
	if err != nil {
		e.t.Fatal(err)
	}
	server.OfferWebhooks(manager)
}

// LookupNetIP makes it the [webhook.Resolver].
func (e *hookEndpoint) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if strings.HasSuffix(host, ".example.com") || host == "example.org" {
		return []netip.Addr{netip.AddrFrom4([4]byte{93, 184, 215, 14})}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (e *hookEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // it was cut off
	}
	if r.URL.Path == "/hang" {
		<-r.Context().Done()
		return
	}
	var sent struct{ Challenge string }
	if err := json.Unmarshal(text, &sent); err != nil {
		e.t.Errorf("%s was POSTed: %v", text, err)
	}
	id := r.Header.Get("webhook-id")
	if sent.Challenge != "" {
		// What is random cannot be in a transcript.
		text = []byte(strings.Replace(string(text), sent.Challenge, "…", 1))
		id = strings.TrimRight(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") + "…"
	}
	e.got <- fmt.Appendf(nil, "%s webhook-id: %s X-MCP-Subscription-Id: %s signatures: %d %s", r.URL.Path, id,
		r.Header.Get("X-MCP-Subscription-Id"), len(strings.Fields(r.Header.Get("webhook-signature"))), text)
	w.WriteHeader(int(e.status.Load()))
	if sent.Challenge != "" && r.URL.Path != "/deaf" {
		fmt.Fprintf(w, `{"challenge":%q}`, sent.Challenge)
	}
}

// next waits for the next request, but to /hang, and returns what matters of it.
func (e *hookEndpoint) next() json.RawMessage {
	e.t.Helper()
	return awaitFrom(e.t, e.got, "request to the endpoint")
}

// answer sets the status with which requests are answered.
func (e *hookEndpoint) answer(t *testing.T, status string) {
	t.Helper()
	n, err := strconv.Atoi(status)
	if err != nil {
		t.Fatal(err)
	}
	e.status.Store(int32(n))
}
