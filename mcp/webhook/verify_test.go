package webhook

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAnEndpointMustEchoTheChallenge(t *testing.T) {
	challenged := func(answer func(w http.ResponseWriter, challenge string)) func(w *world) {
		return func(w *world) {
			w.receiver.challenged = func(rw http.ResponseWriter, challenge string) bool {
				answer(rw, challenge)
				return true
			}
		}
	}
	for _, tt := range []struct {
		name   string
		set    func(w *world)
		reason Reason
	}{
		{"echoes another", challenged(func(w http.ResponseWriter, _ string) { io.WriteString(w, `{"challenge":"other"}`) }), ReasonChallenge},
		{"says nothing", challenged(func(w http.ResponseWriter, _ string) {}), ReasonChallenge},
		{"echoes late in a flood", challenged(func(w http.ResponseWriter, c string) {
			fmt.Fprintf(w, `{"pad":%q,"challenge":%q}`, strings.Repeat("x", maxAnswer), c)
		}), ReasonChallenge},
		{"404", challenged(func(w http.ResponseWriter, _ string) { http.Error(w, "the words of the endpoint", 404) }), ReasonHTTP4xx},
		{"410", challenged(func(w http.ResponseWriter, _ string) { w.WriteHeader(410) }), ReasonHTTP4xx},
		{"500 with the echo", challenged(func(w http.ResponseWriter, c string) {
			w.WriteHeader(500)
			fmt.Fprintf(w, `{"challenge":%q}`, c)
		}), ReasonHTTP5xx},
		{"redirects", challenged(func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", "https://hook.example.com/other")
			w.WriteHeader(302)
		}), ReasonHTTP4xx},
		{"hangs", challenged(func(w http.ResponseWriter, _ string) { time.Sleep(time.Minute) }), ReasonTimeout},
		{"trickles", challenged(func(w http.ResponseWriter, _ string) {
			for range 60 {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		}), ReasonTimeout},
		{"is down", func(w *world) { w.refuse = true }, ReasonRefused},
		{"has no address", func(w *world) { clear(w.names) }, ReasonRefused},
		{"speaks no TLS", func(w *world) { w.plain = true }, ReasonTLS},
		{"has no valid certificate", func(w *world) {
			w.opts.RootCAs = x509.NewCertPool()
			w.restart()
		}, ReasonTLS},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, nil, func(t *testing.T, w *world) {
				tt.set(w)
				began := time.Now()
				_, err := w.Subscribe(t.Context(), request())
				e := refused(t, err)
				if e.Code != CodeCallbackEndpoint || e.Data["reason"] != tt.reason || strings.Contains(e.Message, "words of") {
					t.Errorf("got %+v", e)
				}
				if took := time.Since(began); took > attemptTime {
					t.Errorf("it took %v", took)
				}
				if len(w.subs) != 0 || w.feeds.opened != 0 {
					t.Errorf("%d subscriptions, %d feeds were opened", len(w.subs), w.feeds.opened)
				}
				w.publish(`1`)
				if got := w.after(time.Hour); len(got) != 0 {
					t.Errorf("it gets %s", ids(got))
				}
			})
		})
	}
}

func TestVerificationIsRememberedForAPrincipalAndURL(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		for i, step := range []struct {
			change func(r *Request)
			want   int
		}{
			{func(r *Request) {}, 1},
			{func(r *Request) {}, 1},
			{func(r *Request) { r.Arguments = []byte(`{"a":1}`) }, 1},
			{func(r *Request) { r.URL += "/other" }, 2},
			{func(r *Request) { r.Principal = "bob" }, 3},
		} {
			if w.subscribe(step.change); w.receiver.challenges != step.want {
				t.Errorf("step %d: %d challenges, want %d", i, w.receiver.challenges, step.want)
			}
		}
	})
}

// A client that has had nothing at an URL for a day may have lost it to somebody else.
func TestVerificationIsForgotten(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		for i, wait := range []time.Duration{0, verifiedTime - time.Minute, verifiedTime} {
			time.Sleep(wait)
			w.subscribe(nil)
			if err := w.Unsubscribe(t.Context(), "ann", "test.event", nil, hook); err != nil {
				t.Fatal(err)
			}
			if want := []int{1, 1, 2}[i]; w.receiver.challenges != want {
				t.Errorf("after %v more: %d challenges, want %d", wait, w.receiver.challenges, want)
			}
		}
	})
}

func TestAHostThatFailsVerificationsIsLeftAlone(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.receiver.challenged = func(rw http.ResponseWriter, _ string) bool { rw.WriteHeader(404); return true }
		var err error
		for i := range maxFailures + 1 {
			req := request()
			req.URL = fmt.Sprintf("%s/%d", hook, i)
			_, err = w.Subscribe(t.Context(), req)
		}
		if e := refused(t, err); e.Code != CodeResourceExhausted || e.Data["limit"] != "verifications" || w.receiver.challenges != maxFailures {
			t.Errorf("got %+v after %d challenges", e, w.receiver.challenges)
		}
		time.Sleep(failureTime)
		w.receiver.mu.Lock()
		w.receiver.challenged = nil
		w.receiver.mu.Unlock()
		w.subscribe(nil)
	})
}

// Those that came all at once count, and those whose client did not wait for the answer.
func TestAHostIsLeftAloneByManyAtOnce(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.receiver.challenged = func(rw http.ResponseWriter, _ string) bool {
			time.Sleep(time.Second)
			rw.WriteHeader(404)
			return true
		}
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%2+1)*700*time.Millisecond)
				defer cancel()
				req := request()
				req.URL = fmt.Sprintf("%s/%d", hook, i)
				w.Subscribe(ctx, req)
			})
		}
		all.Wait()
		w.after(failureTime)
		w.receiver.mu.Lock()
		if w.receiver.challenges != maxFailures {
			t.Errorf("%d challenges, want %d", w.receiver.challenges, maxFailures)
		}
		w.receiver.challenged = nil
		w.receiver.mu.Unlock()
		for i := range 2 * maxFailures {
			w.subscribe(func(r *Request) { r.URL = fmt.Sprintf("%s/%d", hook, i) }) // successes do not count
		}
	})
}
