package webhook

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// On real sockets, with the dialer as it is.
func TestDeliveryOverTheNetwork(t *testing.T) {
	got := make(chan received, 1)
	endpoint := &receiver{t: t, secrets: []string{secret(1)}, answer: func(r received) int { got <- r; return 200 }}
	server := httptest.NewTLSServer(endpoint)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	feeds := newFakeFeeds()
	m, err := New(Options{Feeds: feeds, RootCAs: roots, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	req := request()
	req.URL = server.URL + "/in?token=1"
	if _, err := m.Subscribe(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	feeds.publish(`{"n":1}`)
	select {
	case r := <-got:
		if r.body.EventID != "e1" {
			t.Errorf("got %+v", r)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	req.URL = "https://127.0.0.1:1/" // where nobody listens
	if _, err := m.Subscribe(t.Context(), req); refused(t, err).Data["reason"] != ReasonRefused {
		t.Errorf("got %v", err)
	}
}

// The connection behind a 101 is not closed with the request, as other answers' are.
func TestAnEndpointThatSwitchesProtocolsHoldsNothingUp(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		<-over
	}))
	defer server.Close()
	defer close(over)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	m, err := New(Options{Feeds: newFakeFeeds(), RootCAs: roots, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	req := request()
	req.URL = server.URL
	answered := make(chan error, 1)
	go func() {
		_, err := m.Subscribe(t.Context(), req)
		answered <- err
	}()
	select {
	case err := <-answered:
		if refused(t, err).Data["reason"] != ReasonHTTP4xx {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the verification does not end")
	}
}

// An idle subscription is cheap: the budget is 64 KiB.
func TestIdleSubscriptionsAreCheap(t *testing.T) {
	const many = 200
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.Arguments = []byte(`{"n":-1}`) })
		before := inUse()
		for i := range many {
			w.subscribe(func(r *Request) {
				r.TTL, r.Arguments = nil, []byte(`{"n":`+string(rune('0'+i%10))+`,"m":"`+string(rune('a'+i/10))+`"}`)
			})
		}
		if each := (inUse() - before) / many; each > 64<<10 {
			t.Errorf("%d bytes for each", each)
		}
		if len(w.subs) != many+1 {
			t.Errorf("%d subscriptions", len(w.subs))
		}
	})
}

func inUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}
