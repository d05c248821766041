package webhook

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestEventsAreDeliveredSignedAndInOrder(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		grant := w.subscribe(nil)
		if grant.Cursor != at(0) || grant.Truncated || grant.Status != nil || w.receiver.challenges != 1 {
			t.Errorf("got %+v and %d challenges", grant, w.receiver.challenges)
		}
		var got []received
		for _, data := range []string{`{"n":1}`, `{"n":"<&>"}`, `{"n":3}`} {
			got = append(got, w.publish(data)...)
		}
		if ids(got) != "e1 e2 e3" {
			t.Fatalf("got %s", ids(got))
		}
		for i, r := range got {
			if r.id != r.body.EventID || r.subscription != grant.ID || r.body.Name != "test.event" || r.signatures != 1 {
				t.Errorf("got %+v", r)
			}
			// Everything at or before the cursor was acknowledged: the event itself was not yet.
			if c := cursor(t, r); c.After < at(i).After || c.After >= at(i+1).After {
				t.Errorf("event %d came with %v", i+1, c)
			}
		}
		if string(got[1].body.Data) != `{"n":"<&>"}` || got[0].body.Timestamp != "2000-01-01T00:00:00.000Z" {
			t.Errorf("got %s at %s", got[1].body.Data, got[0].body.Timestamp)
		}
		// The refresh lets the client's cursor catch up.
		if again := w.subscribe(nil); again.Cursor != at(3) || again.ID != grant.ID || again.Status.LastDeliveryAt == nil || !again.Status.Active {
			t.Errorf("got %+v %+v", again, again.Status)
		}
	})
}

func cursor(t *testing.T, r received) eventcore.Cursor {
	t.Helper()
	c, err := eventcore.ParseCursor(r.body.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEachEventIsRetriedOnItsOwn(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		failures := 3
		w.receiver.answers(func(r received) int {
			if r.body.EventID == "e1" && failures > 0 {
				failures--
				return http.StatusTooManyRequests
			}
			return http.StatusNoContent
		})
		w.publish(`1`)
		got := append(w.publish(`2`), w.after(time.Minute)...)
		if !strings.HasPrefix(ids(got), "e2") || strings.Count(ids(got), "e1") != 3 || strings.Count(ids(got), "e2") != 1 {
			t.Fatalf("got %s after the first try", ids(got))
		}
		for _, r := range got {
			if c := cursor(t, r); c.After >= at(1).After {
				t.Errorf("%s came with %v, past an event that was not accepted", r.body.EventID, c)
			}
			if r.id != r.body.EventID || r.sent != strconv.FormatInt(r.at.Unix(), 10) {
				t.Errorf("at %v came id %s of time %s", r.at, r.id, r.sent)
			}
		}
		if grant := w.subscribe(nil); grant.Cursor != at(2) || grant.Status.LastError != nil || grant.Status.FailedSince != nil {
			t.Errorf("in the end: %+v %+v", grant, grant.Status)
		}
	})
}

// An endpoint's failures are told of by category, and every one of them is retried.
func TestFailuresAreRetriedAndReported(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    func(w *world)
		reason Reason
	}{
		{"404", func(w *world) { w.receiver.answers(status(404)) }, ReasonHTTP4xx},
		{"429", func(w *world) { w.receiver.answers(status(429)) }, ReasonHTTP4xx},
		{"redirect", func(w *world) { w.receiver.answers(status(307)) }, ReasonHTTP4xx},
		{"500", func(w *world) { w.receiver.answers(status(500)) }, ReasonHTTP5xx},
		{"refused", func(w *world) { w.refuse = true }, ReasonRefused},
		{"no such name", func(w *world) { delete(w.names, "hook.example.com") }, ReasonRefused},
		{"hangs", func(w *world) {
			w.receiver.answers(func(received) int { time.Sleep(11 * time.Second); return 200 })
		}, ReasonTimeout},
		{"no TLS", func(w *world) { w.plain = true }, ReasonTLS},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, nil, func(t *testing.T, w *world) {
				w.subscribe(nil)
				w.mu.Lock()
				tt.set(w)
				w.mu.Unlock()
				w.publish(`1`)
				w.after(attemptTime)
				grant := w.subscribe(nil)
				if s := grant.Status; s.LastError == nil || *s.LastError != tt.reason || s.FailedSince == nil || !s.Active || grant.Cursor.After >= at(1).After {
					t.Fatalf("got %+v %+v", grant, s)
				}
				w.after(30 * time.Second)
				w.mu.Lock()
				w.refuse, w.plain, w.names["hook.example.com"] = false, false, public
				w.mu.Unlock()
				w.receiver.answers(nil)
				if got := w.after(2 * time.Minute); !strings.Contains(ids(got), "e1") {
					t.Errorf("when it works again it gets %q", ids(got))
				}
			})
		})
	}
}

// An event that the endpoint never accepts is given up in the end, and not before: however many others go through.
func TestAnEventThatFailsAloneHasAllItsTime(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		w.receiver.answers(func(r received) int {
			if r.body.EventID == "e1" {
				return 500
			}
			return 200
		})
		began, tries := time.Now(), strings.Count(ids(w.publish(`1`)), "e1")
		for time.Since(began) < 24*time.Hour {
			w.subscribe(nil) // it expires otherwise
			var got []received
			for range 10 {
				got = append(got, w.publish(`1`, `2`)...)
				got = append(got, w.after(2*time.Minute)...)
			}
			tries += strings.Count(ids(got)+" ", "e1 ")
			if strings.Contains(ids(got), "gap") {
				break
			}
		}
		if took := time.Since(began); took < 7*time.Hour || took > 17*time.Hour || tries < maxTries {
			t.Errorf("%d tries in %v", tries, took)
		}
	})
}

func TestGoneEndsTheSubscription(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		w.receiver.answers(status(http.StatusGone))
		w.publish(`1`)
		if got := w.publish(`2`); len(got) != 0 || w.feeds.open != 0 {
			t.Errorf("after 410: %s delivered, %d feeds open", ids(got), w.feeds.open)
		}
		w.receiver.answers(nil)
		if w.subscribe(nil); w.receiver.challenges != 2 {
			t.Errorf("the endpoint was not asked again: %d challenges", w.receiver.challenges)
		}
	})
}

// What is given up is never silent: the endpoint learns of a gap.
func TestGivenUpEventsAreToldOfByAGap(t *testing.T) {
	tooLarge := `"` + strings.Repeat("x", maxBody) + `"`
	for _, tt := range []struct {
		name, data string
		answer     int
	}{{"413", `1`, http.StatusRequestEntityTooLarge}, {"larger than is sent", tooLarge, 200}, {"not JSON", `{`, 200}} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, nil, func(t *testing.T, w *world) {
				w.subscribe(nil)
				w.receiver.answers(func(r received) int {
					if r.body.EventID == "e1" {
						return tt.answer
					}
					return 200
				})
				got := append(w.publish(tt.data), w.publish(`2`)...)
				if text := strings.TrimPrefix(ids(got), "e1 "); text != "gap e2" {
					t.Fatalf("got %s", ids(got))
				}
				gap := got[len(got)-2]
				if !strings.HasPrefix(gap.id, "msg_gap_") || cursor(t, gap) != at(1) {
					t.Errorf("got %+v", gap)
				}
				if got := w.after(24 * time.Hour); len(got) != 0 {
					t.Errorf("later: %s", ids(got))
				}
			})
		})
	}
}

func TestGapsOfTheJournalAreTold(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		w.receiver.answers(status(500))
		w.publish(`1`)
		// The first event leaves the journal before its retry, the second before it was read.
		w.feeds.change(func(f *fakeFeeds) {
			f.oldest = at(2).After
		})
		w.feeds.publish(`2`, `3`)
		w.after(0)
		grant := w.subscribe(nil)
		if !grant.Truncated {
			t.Errorf("a refresh while a gap is owed says %+v", grant)
		}
		w.receiver.answers(nil)
		got := w.after(time.Minute)
		if text := ids(got); !strings.Contains(text, "gap") || !strings.Contains(text, "e3") || strings.Contains(text, "e1") || strings.Contains(text, "e2") {
			t.Errorf("got %s", text)
		}
		if grant := w.subscribe(nil); grant.Truncated || grant.Cursor != at(3) {
			t.Errorf("when the gap was told: %+v", grant)
		}
	})
}

func TestLongFailureSuspendsAndARefreshResumes(t *testing.T) {
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		day := func(r *Request) { r.TTL = new(24 * time.Hour) }
		w.subscribe(day)
		w.receiver.answers(status(503))
		w.publish(`1`, `2`, `3`)
		tries := w.after(12 * time.Hour)
		if len(tries) < 20 || len(tries) > 40 {
			t.Errorf("%d tries", len(tries))
		}
		if got := append(w.publish(`4`), w.after(6*time.Hour)...); len(got) != 0 {
			t.Errorf("while suspended: %s", ids(got))
		}
		w.restart() // which changes nothing
		if got := w.after(time.Hour); len(got) != 0 {
			t.Errorf("suspended, after a restart: %s", ids(got))
		}
		w.receiver.answers(nil)
		grant := w.subscribe(day)
		if s := grant.Status; s.Active || *s.LastError != ReasonHTTP5xx || s.FailedSince == nil {
			t.Errorf("got %+v", s)
		}
		if text := strings.Fields(ids(w.after(time.Minute))); len(text) != 4 || len(slices.Compact(slices.Sorted(slices.Values(text)))) != 4 {
			t.Errorf("after the refresh: %s", text)
		}
	})
}

// An endpoint that chokes on one event is not down, however quiet the subscription is: that event is given up.
func TestOneBadEventSuspendsNothing(t *testing.T) {
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		w.receiver.answers(func(r received) int {
			if r.body.EventID == "e1" {
				return 500
			}
			return 200
		})
		w.publish(`1`)
		if got := ids(w.after(dropTime)); !strings.HasSuffix(got, "e1 gap") || strings.Count(got, "e1") > maxTries {
			t.Errorf("in a week: %s", got)
		}
		if got := w.publish(`2`); ids(got) != "e2" {
			t.Errorf("the next event: %s", ids(got))
		}
	})
}

func TestADeadSubscriptionWithoutExpiryEnds(t *testing.T) {
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		w.receiver.answers(status(404))
		w.publish(`1`, `2`)
		w.after(dropTime - time.Hour)
		w.receiver.answers(nil)
		got := w.after(2 * time.Hour)
		if ids(got) != "terminated" || got[0].body.Error.Code != CodeCallbackEndpoint || got[0].body.Error.Data["reason"] != "http_4xx" {
			t.Errorf("got %s %+v", ids(got), got)
		}
		if w.feeds.open != 0 || len(w.subs) != 0 {
			t.Errorf("%d feeds, %d subscriptions left", w.feeds.open, len(w.subs))
		}
	})
}

// A principal that may no longer connect gets nothing more, not even what waits for a retry, and is told.
func TestAPrincipalThatIsGoneGetsNothingMore(t *testing.T) {
	for name, happen := range map[string]func(w *world){
		"when an event comes":    func(w *world) { w.feeds.publish(`2`) },
		"when a retry is due":    func(*world) { time.Sleep(time.Minute) },
		"when the server starts": (*world).restart,
	} {
		t.Run(name, func(t *testing.T) {
			var gone atomic.Bool
			in(t, func(o *Options) {
				o.Dir = t.TempDir()
				o.Permitted = func(principal string) bool { return !gone.Load() || principal != "ann" }
			}, func(t *testing.T, w *world) {
				w.subscribe(func(r *Request) { r.TTL = nil })
				w.receiver.answers(status(500))
				w.publish(`1`)
				w.receiver.answers(nil)
				gone.Store(true)
				happen(w)
				got := w.after(0)
				if ids(got) != "terminated" || got[0].body.Error.Code != CodeForbidden {
					t.Errorf("got %s %+v", ids(got), got)
				}
				if text := stored(t, w.opts.Dir); w.feeds.open != 0 || strings.Contains(text, "sub_") {
					t.Errorf("%d feeds are open, kept is %s", w.feeds.open, text)
				}
			})
		})
	}
}

func TestFeedFailures(t *testing.T) {
	t.Run("that pass are waited for", func(t *testing.T) {
		in(t, nil, func(t *testing.T, w *world) {
			w.subscribe(nil)
			w.feeds.change(func(f *fakeFeeds) { f.readErr = &eventcore.Error{Code: eventcore.CodeBusUnavailable} })
			w.publish(`1`)
			w.after(10 * time.Minute)
			w.feeds.change(func(f *fakeFeeds) { f.readErr = nil })
			if got := w.after(2 * time.Minute); ids(got) != "e1" {
				t.Errorf("got %s", ids(got))
			}
		})
	})
	t.Run("are not waited out by a client that refreshes", func(t *testing.T) {
		in(t, nil, func(t *testing.T, w *world) {
			w.subscribe(nil)
			w.feeds.change(func(f *fakeFeeds) { f.readErr = &eventcore.Error{Code: eventcore.CodeCredentialsMissing} })
			w.publish(`1`)
			w.after(10 * time.Minute)
			w.feeds.change(func(f *fakeFeeds) { f.readErr = nil })
			w.subscribe(nil)
			if got := w.after(0); ids(got) != "e1" {
				t.Errorf("got %s", ids(got))
			}
		})
	})
	t.Run("that leave events to read are logged once", func(t *testing.T) {
		var log lockedBuffer
		in(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, func(t *testing.T, w *world) {
			w.subscribe(nil)
			w.feeds.change(func(f *fakeFeeds) { f.problem = errors.New("the bus does not know of it") })
			if got := append(w.publish(`1`), w.after(time.Hour/2)...); ids(got) != "e1" || strings.Count(log.String(), "does not know of it") != 1 {
				t.Errorf("got %s, logged %s", ids(got), log.String())
			}
		})
	})
	t.Run("of an event that waits for its next try", func(t *testing.T) {
		for name, problem := range map[string]*eventcore.Error{"pass": {Code: eventcore.CodeBusUnavailable, Message: "no bus"},
			"do not pass": eventcore.UnknownKey("test.event")} {
			t.Run(name, func(t *testing.T) {
				var log lockedBuffer
				in(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, func(t *testing.T, w *world) {
					w.subscribe(nil)
					w.receiver.answers(status(500))
					w.publish(`1`, `2`)
					w.receiver.answers(nil)
					w.feeds.change(func(f *fakeFeeds) { f.againErr = problem })
					w.after(10 * time.Minute)
					over, logged := len(w.subs) == 0, strings.Contains(log.String(), "could not be read")
					if over != (name == "do not pass") || over == logged {
						t.Errorf("ended: %t, logged: %t", over, logged)
					}
					w.feeds.change(func(f *fakeFeeds) { f.againErr = nil })
					if got := w.after(2 * time.Minute); !over && len(got) != 2 {
						t.Errorf("when it works again: %d deliveries", len(got))
					}
				})
			})
		}
	})
	t.Run("that do not pass end the subscription", func(t *testing.T) {
		in(t, nil, func(t *testing.T, w *world) {
			w.subscribe(nil)
			w.feeds.change(func(f *fakeFeeds) { f.readErr = eventcore.UnknownKey("test.event") })
			got := w.after(0)
			if ids(got) != "terminated" || got[0].body.Error.Code != CodeNotFound || !strings.HasPrefix(got[0].id, "msg_terminated_") {
				t.Errorf("got %s %+v", ids(got), got)
			}
		})
	})
}
