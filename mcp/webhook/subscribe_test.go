package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestConcurrentSubscribesAreOne(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				req := request()
				req.Arguments = []byte(`{"a":1,"b":2}`)
				if i%2 == 1 {
					req.Arguments = []byte(` { "b": 2, "a": 1 } `)
				}
				if _, err := w.Subscribe(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if w.receiver.challenges != 1 || w.feeds.opened != 1 || len(w.subs) != 1 {
			t.Errorf("%d challenges, %d feeds, %d subscriptions", w.receiver.challenges, w.feeds.opened, len(w.subs))
		}
		if got := w.publish(`1`); ids(got) != "e1" {
			t.Errorf("got %s", ids(got))
		}
	})
}

func TestARotatedSecretSignsOnForAWhile(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		w.receiver.mu.Lock()
		w.receiver.secrets = []string{secret(2)}
		w.receiver.mu.Unlock()
		w.subscribe(func(r *Request) { r.Secret = secret(2) })
		if got := w.publish(`1`); len(got) != 1 || got[0].signatures != 2 {
			t.Errorf("just after: %+v", got)
		}
		w.receiver.mu.Lock()
		w.receiver.secrets = []string{secret(1)} // a receiver that has not changed over
		w.receiver.mu.Unlock()
		if got := w.publish(`2`); len(got) != 1 {
			t.Errorf("with the old secret: %+v", got)
		}
		w.after(graceTime)
		w.receiver.mu.Lock()
		w.receiver.secrets = []string{secret(2)}
		w.receiver.mu.Unlock()
		if got := w.publish(`3`); len(got) != 1 || got[0].signatures != 1 {
			t.Errorf("after the grace time: %+v", got)
		}
	})
}

func TestLifetimeIsGrantedAndKept(t *testing.T) {
	wish := func(d time.Duration) *time.Duration { return &d }
	for _, tt := range []struct {
		name   string
		wish   *time.Duration
		stored bool
		want   time.Duration // 0: no expiry
	}{
		{"short", wish(1500 * time.Millisecond), true, 1500 * time.Millisecond},
		{"long", wish(1000 * time.Hour), true, maxTTL},
		{"none", nil, true, 0},
		{"none, not stored", nil, false, memoryTTL},
		{"long, not stored", wish(time.Hour), false, memoryTTL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			in(t, func(o *Options) {
				if tt.stored {
					o.Dir = dir
				}
			}, func(t *testing.T, w *world) {
				grant := w.subscribe(func(r *Request) { r.TTL = tt.wish })
				if tt.want == 0 {
					w.after(48 * time.Hour)
					if got := w.publish(`1`); grant.RefreshBefore != nil || ids(got) != "e1" {
						t.Errorf("got %v, %s", grant.RefreshBefore, ids(got))
					}
					return
				}
				if grant.RefreshBefore == nil || !grant.RefreshBefore.Equal(time.Now().Add(tt.want)) {
					t.Fatalf("got %v, want in %v", grant.RefreshBefore, tt.want)
				}
				w.after(tt.want / 2)
				w.subscribe(func(r *Request) { r.TTL = tt.wish })
				w.after(tt.want - time.Millisecond)
				if got := w.publish(`1`); ids(got) != "e1" {
					t.Errorf("before it expired: %s", ids(got))
				}
				w.after(time.Millisecond)
				if got := w.publish(`2`); len(got) != 0 || w.feeds.open != 0 {
					t.Errorf("after it expired: %s, %d feeds open", ids(got), w.feeds.open)
				}
			})
		})
	}
}

func TestANewSubscriptionBeginsAtItsCursor(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.publish(`1`, `2`, `3`)
		w.feeds.change(func(f *fakeFeeds) { f.oldest = at(1).After })
		from := at(0).String()
		grant := w.subscribe(func(r *Request) { r.Cursor = &from })
		if got := w.receiver.take(); len(got) != 2 || grant.Cursor != at(1) || !grant.Truncated {
			t.Errorf("got %+v and %s", grant, ids(got))
		}
		if again := w.subscribe(func(r *Request) { r.Cursor = &from }); again.Cursor != at(3) || len(w.receiver.take()) != 0 {
			t.Errorf("a refresh with an old cursor: %+v", again)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.Arguments = []byte(`{"a":1}`) })
		end := func(principal, arguments, url string) error {
			return w.Unsubscribe(t.Context(), principal, "test.event", []byte(arguments), url)
		}
		for _, other := range []error{end("bob", `{"a":1}`, hook), end("ann", `{"a":2}`, hook), end("ann", `{"a":1}`, hook+"2")} {
			if e := refused(t, other); e.Code != CodeNotFound || e.Data["kind"] != "subscription" {
				t.Errorf("got %+v", e)
			}
		}
		if err := end("ann", `{ "a": 1 }`, hook); err != nil {
			t.Fatal(err)
		}
		if got := w.publish(`1`); len(got) != 0 || w.feeds.open != 0 {
			t.Errorf("afterwards: %s, %d feeds open", ids(got), w.feeds.open)
		}
		if e := refused(t, end("ann", `{"a":1}`, hook)); e.Code != CodeNotFound {
			t.Errorf("twice: %+v", e)
		}
	})
}

// An expired user token keeps arguments from being normalized; it must not keep a client from ending what it has.
func TestASubscriptionIsFoundWithoutThePlatform(t *testing.T) {
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		mine := func(r *Request) { r.TTL, r.Arguments = nil, []byte(`{"a":1,"mailbox":"me"}`) }
		first := w.subscribe(mine)
		w.restart()
		expired := &eventcore.Error{Code: eventcore.CodeCredentialsMissing, Message: "the user token has expired"}
		w.feeds.change(func(f *fakeFeeds) { f.canonErr = expired })
		if again := w.subscribe(mine); again.ID != first.ID {
			t.Errorf("refreshed %+v, want %s", again, first.ID)
		}
		end := func(arguments string) error {
			return w.Unsubscribe(t.Context(), "ann", "test.event", []byte(arguments), hook)
		}
		if err := end(`{"a":2,"mailbox":"me"}`); !errors.Is(err, expired) {
			t.Errorf("another one was ended: %v", err)
		}
		if err := end(`{"mailbox":"me", "a":1}`); err != nil || len(w.subs) != 0 {
			t.Errorf("ended with %v, %d left", err, len(w.subs))
		}
		w.feeds.change(func(f *fakeFeeds) { f.canonErr = nil })
		if one, other := w.subscribe(mine), w.subscribe(func(r *Request) { mine(r); r.Arguments = []byte(`{"mailbox":"ann","a":1}`) }); one.ID != other.ID {
			t.Errorf("two ways to say the same are %s and %s", one.ID, other.ID)
		}
	})
}

func TestBadRequestsAreRefused(t *testing.T) {
	in(t, func(o *Options) { o.MaxSubscriptions = 1 }, func(t *testing.T, w *world) {
		w.subscribe(nil)
		for name, tt := range map[string]struct {
			change func(r *Request)
			code   int
			data   string
		}{
			"no principal":       {func(r *Request) { r.Principal = "" }, CodeForbidden, "map[]"},
			"http":               {func(r *Request) { r.URL = "http://hook.example.com" }, CodeInvalidParams, "map[param:delivery.url]"},
			"a private address":  {func(r *Request) { r.URL = "https://10.0.0.1/" }, CodeCallbackEndpoint, "map[reason:connection_refused]"},
			"a short secret":     {func(r *Request) { r.Secret = "whsec_c2hvcnQ=" }, CodeInvalidParams, "map[param:delivery.secret]"},
			"no lifetime":        {func(r *Request) { r.TTL = new(time.Duration(0)) }, CodeInvalidParams, "map[param:ttlMs]"},
			"a negative age":     {func(r *Request) { r.MaxAge = -1 }, CodeInvalidParams, "map[param:maxAgeMs]"},
			"one more than most": {func(r *Request) { r.Arguments = []byte(`{"a":1}`) }, CodeResourceExhausted, "map[limit:subscriptions max:1]"},
		} {
			req := request()
			tt.change(&req)
			_, err := w.Subscribe(t.Context(), req)
			if e := refused(t, err); e.Code != tt.code || fmt.Sprint(e.Data) != tt.data || strings.Contains(e.Message, "c2hvcnQ") {
				t.Errorf("%s: got %+v", name, e)
			}
		}
		req := request()
		req.Name = "no.such"
		if _, err := w.Subscribe(t.Context(), req); !eventcore.IsCode(err, eventcore.CodeUnknownKey) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAFailedOpenLeavesNothing(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.feeds.openErr = &eventcore.Error{Code: eventcore.CodePermissionDenied, Message: "no"}
		if _, err := w.Subscribe(t.Context(), request()); !eventcore.IsCode(err, eventcore.CodePermissionDenied) || len(w.subs) != 0 {
			t.Errorf("got %v", err)
		}
	})
}

// A name is resolved for every request, and only what was found public is connected to.
func TestNoPrivateAddressIsConnectedTo(t *testing.T) {
	private := netip.MustParseAddr("127.0.0.1")
	resolve := func(w *world, addr netip.Addr) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.names["hook.example.com"], w.hosts[addr], w.dialed = addr, w.receiver, nil
	}
	t.Run("at verification", func(t *testing.T) {
		in(t, nil, func(t *testing.T, w *world) {
			resolve(w, private)
			_, err := w.Subscribe(t.Context(), request())
			if e := refused(t, err); e.Data["reason"] != ReasonRefused || len(w.dialed) != 0 || strings.Contains(e.Message, "127.") {
				t.Errorf("got %+v, dialled %v", e, w.dialed)
			}
		})
	})
	t.Run("after rebinding", func(t *testing.T) {
		in(t, nil, func(t *testing.T, w *world) {
			w.subscribe(nil)
			w.publish(`1`)
			resolve(w, private)
			if got := append(w.publish(`2`), w.after(time.Minute)...); len(got) != 0 || len(w.dialed) != 0 {
				t.Errorf("got %s, dialled %v", ids(got), w.dialed)
			}
			resolve(w, public)
			if got := w.after(3 * time.Minute); ids(got) != "e2" || w.dialed[0] != public.String()+":443" {
				t.Errorf("got %s, dialled %v", ids(got), w.dialed)
			}
		})
	})
	t.Run("unless it is allowed", func(t *testing.T) {
		in(t, func(o *Options) { o.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }, func(t *testing.T, w *world) {
			resolve(w, private)
			w.subscribe(nil)
			if got := w.publish(`1`); ids(got) != "e1" {
				t.Errorf("got %s", ids(got))
			}
		})
	})
}

func TestAnEndpointThatHangsHoldsUpNobody(t *testing.T) {
	const many = 200
	in(t, nil, func(t *testing.T, w *world) {
		hung := map[string]bool{}
		for i := range many {
			grant := w.subscribe(func(r *Request) { r.Arguments = fmt.Appendf(nil, `{"n":%d}`, i) })
			if i < 3 {
				hung[grant.ID] = true
			}
		}
		if w.receiver.challenges != 1 {
			t.Errorf("%d challenges", w.receiver.challenges)
		}
		w.receiver.answers(func(r received) int {
			if hung[r.subscription] {
				time.Sleep(time.Hour)
			}
			return 200
		})
		began := time.Now()
		w.feeds.publish(`1`, `2`)
		w.after(time.Second)
		synctest.Wait()
		counts := map[string]int{}
		for _, sub := range w.subs {
			if sub.position() == at(2) {
				counts["served"]++
			}
		}
		if counts["served"] != many-len(hung) {
			t.Errorf("after %v %d of %d are served", time.Since(began), counts["served"], many)
		}
	})
}

func TestCloseEndsWhatHangs(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		w.receiver.answers(func(received) int { time.Sleep(time.Minute); return 200 })
		w.publish(`1`)
		began := time.Now()
		if err := w.Close(context.Background()); err != nil || time.Since(began) > time.Second || w.feeds.open != 0 {
			t.Errorf("%v after %v, %d feeds open", err, time.Since(began), w.feeds.open)
		}
		if _, err := w.Subscribe(t.Context(), request()); refused(t, err).Code != CodeInternal {
			t.Errorf("afterwards: %v", err)
		}
	})
}
