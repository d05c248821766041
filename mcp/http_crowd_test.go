package mcp

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// crowdTime is how long events may take to reach a crowd.
const crowdTime = time.Minute

// Of many streams one is not read, and of many webhooks one endpoint does not answer. All others get every event while
// that lasts; then the two get theirs. What the server keeps for all of them is bounded. (Whether they are held up for
// less than crowdTime is asked in a time of its own: TestAClientThatDoesNotReadHoldsUpOnlyItself, and package webhook's
// TestAnEndpointThatHangsHoldsUpNobody.)
func TestACrowdOfStreamsAndWebhooksIsServedBesideThoseThatAreStuck(t *testing.T) {
	registerKeys(t, messageDefinition())
	const events, size = 8, 64 << 10 // in all, twice what the system takes for a client
	n := crowd()
	receiver := newCrowdReceiver(t, n, events)
	consumer := newFakeConsumer()
	server := newTestServer(t, consumer)
	counts := server.Metrics()
	tokens := tokenFile(t, "ada", "of ada")
	receiver.offer(server, tokens)
	w := serveWithSmallBuffers(t, server, HTTPOptions{Tokens: tokens}).as("Authorization", "Bearer of ada")
	session := w.initialize()
	before := memory()
	for i := range n {
		session.result("events/subscribe", map[string]any{"name": messageKey, "cursor": nil, "delivery": map[string]any{
			"mode": "webhook", "url": fmt.Sprintf("%s/%d", receiver.server.URL, i), "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
		}})
	}
	checkMemory(t, before, n, 0)
	between := memory()
	streams := w.openMany(eventsStreamMethod, n)
	checkMemory(t, between, n, 0)

	began := time.Now()
	reading := readEvents(t, streams[1:], events, size)
	for range events {
		consumer.publish(messageKey, fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", size)))
	}
	reading.Wait()
	streamed := time.Since(began)
	got := scrape(t, counts)
	// On a machine that is too slow for this, the stream that is not read is cut off by now, as it should be.
	if open := got[`subscriptions{key="`+messageKey+`"}`]; open != fmt.Sprint(2*n) && time.Since(began) < writeTime {
		t.Errorf("%s feeds are open, want all %d, the stuck ones with them", open, 2*n)
	}
	if told := got[`delivered_total{by="stream",key="`+messageKey+`"}`]; told == fmt.Sprint(n*events) {
		t.Error("the stream that is not read was not stuck")
	}
	awaitFrom(t, receiver.others, "acceptance of all events by all endpoints that answer")
	delivered := time.Since(began)
	t.Logf("%d events of %d bytes came to %d streams in %v, to %d webhooks in %v", events, size, n-1, streamed, n-1, delivered)
	if delivered > crowdTime || streamed > crowdTime {
		t.Errorf("that is more than %v", crowdTime)
	}
	checkMemory(t, before, 2*n, events*size)

	close(receiver.hang)
	awaitFrom(t, receiver.stuck, "acceptance of all events by the endpoint that was stuck")
	if delivered < writeTime {
		readEvents(t, streams[:1], 3, size).Wait()
	}
}

// crowdReceiver is one endpoint for each number, of which /0 answers no event until hang is closed.
type crowdReceiver struct {
	t      *testing.T
	server *httptest.Server
	events int
	hang   chan struct{}
	// others is closed when every endpoint but /0 has accepted all events, stuck when /0 has.
	others, stuck chan struct{}

	mu       sync.Mutex
	accepted map[string]map[string]bool // event ids by path
	missing  int                        // endpoints but /0 that do not have all events
}

func newCrowdReceiver(t *testing.T, endpoints, events int) *crowdReceiver {
	r := &crowdReceiver{t: t, events: events, hang: make(chan struct{}), others: make(chan struct{}), stuck: make(chan struct{}),
		accepted: map[string]map[string]bool{}, missing: endpoints - 1}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	return r
}

// offer makes a server offer webhooks, on this machine too, as the program does.
func (r *crowdReceiver) offer(server *Server, tokens *Tokens) {
	roots := x509.NewCertPool()
	roots.AddCert(r.server.Certificate())
	manager, err := webhook.New(webhook.Options{Feeds: server.Feeds(), Dir: r.t.TempDir(), RootCAs: roots, Permitted: tokens.Knows,
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Delivered: server.CountWebhook})
	if err != nil {
		r.t.Fatal(err)
	}
	server.OfferWebhooks(manager)
}

func (r *crowdReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var sent struct{ Challenge, EventID string }
	text, err := io.ReadAll(request.Body)
	if err != nil {
		return // it was cut off
	}
	if err := json.Unmarshal(text, &sent); err != nil {
		r.t.Errorf("%.100s was POSTed: %v", text, err)
	}
	if sent.Challenge != "" {
		fmt.Fprintf(w, `{"challenge":%q}`, sent.Challenge)
		return
	}
	if request.URL.Path == "/0" {
		select {
		case <-r.hang:
		case <-request.Context().Done():
			return
		}
	}
	r.accept(request.URL.Path, sent.EventID)
}

func (r *crowdReceiver) accept(path, eventID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := r.accepted[path]
	if ids == nil {
		ids = map[string]bool{}
		r.accepted[path] = ids
	}
	if ids[eventID] {
		return
	}
	if ids[eventID] = true; len(ids) < r.events {
		return
	}
	if path == "/0" {
		close(r.stuck)
	} else if r.missing--; r.missing == 0 {
		close(r.others)
	}
}
