//go:build unix

package main_test

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// The secrets of the tests' subscriptions, and the tokens of those who may subscribe.
const (
	hookSecret  = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	otherSecret = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
	adaToken    = "adasTokenThatIsNeverShown01234567"
	bobToken    = "bobsTokenThatIsNeverShown01234567"
)

// hangPath is where a receiver does not answer challenges.
const hangPath = "/hang"

// delivery is a request to a receiver.
type delivery struct {
	path, id, subscription, sent string
	// signedBy are the secrets that it is signed with; signatures is how many signatures there are.
	signedBy   []string
	signatures int
	occurrence
	Type  string    `json:"type"`
	Error *rpcError `json:"error"`
}

// receiver is a webhook's endpoint, which echoes challenges and passes deliveries on.
type receiver struct {
	t          *testing.T
	server     *httptest.Server
	challenges chan delivery
	deliveries chan delivery
	// hanging is who waits for the end of a request that is not answered.
	hanging chan struct{}

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) // nil: 200
	heard  strings.Builder                              // all requests
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, challenges: make(chan delivery, 100), deliveries: make(chan delivery, 1000), hanging: make(chan struct{})}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	t.Cleanup(func() { close(r.hanging) })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the server was killed
	}
	r.mu.Lock()
	fmt.Fprintf(&r.heard, "%s %s\n%v\n%s\n", req.Method, req.URL, req.Header, body)
	r.mu.Unlock()
	got := delivery{path: req.URL.Path, id: req.Header.Get("webhook-id"), subscription: req.Header.Get("X-MCP-Subscription-Id"),
		sent: req.Header.Get("webhook-timestamp"), signatures: len(strings.Fields(req.Header.Get("webhook-signature")))}
	for _, secret := range []string{hookSecret, otherSecret} {
		hook, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			r.t.Error(err)
		} else if hook.Verify(body, req.Header) == nil {
			got.signedBy = append(got.signedBy, secret)
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.signedBy) == 0 || req.Method != "POST" || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s %v %s: %v, signed by %v", req.Method, req.Header, body, err, got.signedBy)
	}
	if got.Type == "verification" {
		var challenge struct {
			Challenge string `json:"challenge"`
		}
		if err := json.Unmarshal(body, &challenge); err != nil {
			r.t.Error(err)
		}
		r.challenges <- got
		if got.path == hangPath {
			r.hang(w, req)
			return
		}
		json.NewEncoder(w).Encode(challenge)
		return
	}
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	r.deliveries <- got
	if answer != nil {
		answer(w, req)
	}
}

// answers sets how deliveries are answered.
func (r *receiver) answers(answer func(w http.ResponseWriter, req *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// hang does not answer, for as long as the client waits.
func (r *receiver) hang(_ http.ResponseWriter, req *http.Request) {
	select {
	case <-req.Context().Done():
	case <-r.hanging:
	}
}

// next returns the next delivery.
func (r *receiver) next() delivery {
	r.t.Helper()
	select {
	case got := <-r.deliveries:
		return got
	case <-time.After(soon):
		r.t.Fatalf("nothing was delivered within %s", soon)
		return delivery{}
	}
}

// nothing fails the test if something was delivered that nobody expected.
func (r *receiver) nothing(when string) {
	r.t.Helper()
	select {
	case got := <-r.deliveries:
		r.t.Errorf("%s %+v was delivered", when, got)
	default:
	}
}

// hookWorld is a world with an endpoint, which servers trust and may reach, and with those who may subscribe: ada and bob.
type hookWorld struct {
	*world
	*receiver
	tokens string // the file
}

func newHookWorld(t *testing.T, options ...larksim.Options) *hookWorld {
	if runtime.GOOS == "darwin" {
		t.Skip("this system does not take certificates from SSL_CERT_FILE")
	}
	w := newWorld(t, options...)
	r := newReceiver(t)
	w.env["SSL_CERT_FILE"] = writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})))
	w.secrets = append(w.secrets, adaToken, bobToken)
	tokens := writeFile(t, "tokens", fmt.Sprintf("ada %x\nbob %x\n", sha256.Sum256([]byte(adaToken)), sha256.Sum256([]byte(bobToken))))
	// Webhooks' secrets are kept, in a file of the user's own, but not said.
	t.Cleanup(func() {
		said := &world{t: t, secrets: []string{hookSecret, otherSecret}, started: w.started}
		said.checkOutput()
	})
	return &hookWorld{w, r, tokens}
}

// serve starts a server that may deliver to this machine's loopback interface, and returns it with ada's agent.
func (w *hookWorld) serve(args ...string) (*process, *webAgent) {
	w.world.t.Helper()
	p, a := w.serveHTTP(append([]string{"--auth-tokens", w.tokens, "--webhook-private", "127.0.0.0/8", "--log-level", "debug"}, args...)...)
	a.token = adaToken
	a.initialize()
	return p, a
}

// subscription are the params that ask for an event at the receiver; change changes them.
func (w *hookWorld) subscription(name string, change map[string]any) map[string]any {
	params := map[string]any{"name": name, "cursor": nil, "ttlMs": nil,
		"delivery": map[string]any{"mode": "webhook", "url": w.server.URL + "/in", "secret": hookSecret}}
	for field, value := range change {
		params[field] = value
	}
	return params
}

// deliverTo is the change of a subscription that says where to deliver to.
func deliverTo(url, secret string) map[string]any {
	return map[string]any{"delivery": map[string]any{"mode": "webhook", "url": url, "secret": secret}}
}
