package webhook

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// secret is a good secret; the number makes another one.
func secret(n byte) string {
	key := make([]byte, 32)
	key[0] = n
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// lockedBuffer keeps what is logged.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// received is a delivery that a receiver got, with a signature that it could verify.
type received struct {
	id, subscription string
	sent             string // the timestamp
	at               time.Time
	signatures       int
	body             struct {
		EventID   string          `json:"eventId"`
		Name      string          `json:"name"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
		Cursor    string          `json:"cursor"`
		Meta      json.RawMessage `json:"_meta"`
		Type      string          `json:"type"`
		Error     *Error          `json:"error"`
	}
}

// receiver is an endpoint. It echoes challenges, and answers deliveries as answer says, with 200 if that is nil.
type receiver struct {
	t        *testing.T
	server   *httptest.Server
	incoming chan net.Conn
	stopped  chan struct{}
	stop     func()

	mu         sync.Mutex
	secrets    []string // any of which may have signed
	got        []received
	challenges int
	answer     func(r received) int
	challenged func(w http.ResponseWriter, challenge string) bool // nil, or answers in place of the echo if it returns true
}

// newReceiver starts a receiver that can be reached through pipes, at any name below example.com.
func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, incoming: make(chan net.Conn), stopped: make(chan struct{}), secrets: []string{secret(1)}}
	r.stop = sync.OnceFunc(func() { close(r.stopped) })
	r.server = httptest.NewUnstartedServer(r)
	r.server.Listener.Close()
	r.server.Listener = r
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.server.StartTLS()
	t.Cleanup(func() {
		time.Sleep(6 * time.Second) // the farewell of a TLS connection takes 5 s where nobody reads it
		r.server.Close()
	})
	return r
}

func (r *receiver) Accept() (net.Conn, error) {
	select {
	case conn := <-r.incoming:
		return conn, nil
	case <-r.stopped:
		return nil, net.ErrClosed
	}
}

func (r *receiver) Close() error   { r.stop(); return nil }
func (r *receiver) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(1, 1, 1, 1), Port: 443} }

func (r *receiver) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case r.incoming <- there:
		return here, nil
	case <-r.stopped:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	secrets := r.secrets
	r.mu.Unlock()
	signedBy := 0
	for _, s := range secrets {
		verifier, err := standardwebhooks.NewWebhook(s)
		if err != nil {
			r.t.Error(err)
		} else if verifier.Verify(body, req.Header) == nil {
			signedBy++
		}
	}
	if signedBy == 0 {
		r.t.Errorf("%s carries no signature of %d secrets: %v", body, len(secrets), req.Header)
	}
	got := received{
		id: req.Header.Get("webhook-id"), subscription: req.Header.Get("X-MCP-Subscription-Id"), at: time.Now(),
		sent: req.Header.Get("webhook-timestamp"), signatures: len(strings.Fields(req.Header.Get("webhook-signature"))),
	}
	if err := json.Unmarshal(body, &got.body); err != nil || req.Header.Get("Content-Type") != "application/json" || req.Method != "POST" {
		r.t.Errorf("%s %v %s: %v", req.Method, req.Header, body, err)
	}
	if got.body.Type == typeVerification {
		var sent struct{ Challenge string }
		json.Unmarshal(body, &sent)
		r.mu.Lock()
		r.challenges++
		challenged := r.challenged
		r.mu.Unlock()
		if challenged == nil || !challenged(w, sent.Challenge) {
			fmt.Fprintf(w, `{"challenge":%q}`, sent.Challenge)
		}
		return
	}
	r.mu.Lock()
	r.got = append(r.got, got)
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		w.WriteHeader(answer(got))
	}
}

// answers sets how deliveries are answered.
func (r *receiver) answers(answer func(r received) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// take returns what came since the last call, in the order in which it came.
func (r *receiver) take() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// status answers every delivery with one status.
func status(code int) func(received) int { return func(received) int { return code } }

// ids returns the event ids of deliveries, and the types of control messages.
func ids(got []received) string {
	var all []string
	for _, r := range got {
		all = append(all, r.body.EventID+r.body.Type)
	}
	return strings.Join(all, " ")
}

// world is a manager, a journal and a receiver at hook.example.com.
type world struct {
	t        *testing.T
	feeds    *fakeFeeds
	receiver *receiver
	opts     Options
	*Manager

	mu     sync.Mutex
	names  map[string]netip.Addr
	hosts  map[netip.Addr]*receiver
	dialed []string
	refuse bool
	plain  bool // no TLS is spoken
}

var public = netip.MustParseAddr("93.184.215.14")

// newWorld must be called in a synctest bubble.
func newWorld(t *testing.T, change func(o *Options)) *world {
	w := &world{t: t, feeds: newFakeFeeds(), receiver: newReceiver(t)}
	w.names = map[string]netip.Addr{"hook.example.com": public}
	w.hosts = map[netip.Addr]*receiver{public: w.receiver}
	roots := x509.NewCertPool()
	roots.AddCert(w.receiver.server.Certificate())
	w.opts = Options{Feeds: w.feeds, RootCAs: roots, Resolver: w, Dial: w.connect}
	if change != nil {
		change(&w.opts)
	}
	w.restart()
	t.Cleanup(w.stop)
	return w
}

// restart makes the manager anew, on the same folder.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	manager, err := New(w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Manager = manager
}

func (w *world) stop() {
	if w.Manager == nil {
		return
	}
	if err := w.Manager.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr, ok := w.names[host]; ok {
		return []netip.Addr{addr}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (w *world) connect(ctx context.Context, _, address string) (net.Conn, error) {
	addr := netip.MustParseAddrPort(address).Addr()
	w.mu.Lock()
	w.dialed = append(w.dialed, address)
	host, refuse, plain := w.hosts[addr], w.refuse, w.plain
	w.mu.Unlock()
	if plain {
		here, there := net.Pipe()
		go func() {
			there.Read(make([]byte, 4096))
			io.WriteString(there, "HTTP/1.1 400 Bad Request\r\n\r\n")
			there.Close()
		}()
		return here, nil
	}
	if refuse || host == nil {
		return nil, errors.New("connection refused")
	}
	return host.dial(ctx)
}

const hook = "https://hook.example.com/in"

func request() Request {
	return Request{Principal: "ann", Name: "test.event", URL: hook, Secret: secret(1), TTL: new(time.Hour)}
}

// subscribe subscribes as request says, changed by change.
func (w *world) subscribe(change func(r *Request)) Grant {
	w.t.Helper()
	req := request()
	if change != nil {
		change(&req)
	}
	grant, err := w.Subscribe(context.Background(), req)
	if err != nil {
		w.t.Fatalf("subscribe: %v", err)
	}
	synctest.Wait()
	return grant
}

// publish appends events and returns what is delivered at once.
func (w *world) publish(data ...string) []received {
	w.feeds.publish(data...)
	synctest.Wait()
	return w.receiver.take()
}

// after lets time pass and returns what was delivered meanwhile.
func (w *world) after(d time.Duration) []received {
	time.Sleep(d)
	synctest.Wait()
	return w.receiver.take()
}

// refused returns the error of a call as the extension's.
func refused(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the extension", err)
	}
	return e
}

// in runs a test in a bubble of its own time.
func in(t *testing.T, change func(o *Options), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, change)) })
}
