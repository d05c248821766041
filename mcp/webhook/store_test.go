package webhook

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func stored(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "webhooks.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSubscriptionsSurviveTheProcess(t *testing.T) {
	dir := t.TempDir()
	in(t, func(o *Options) { o.Dir = dir }, func(t *testing.T, w *world) {
		forEver := func(r *Request) { r.TTL, r.Arguments = nil, []byte(`{"text":"<a> & b"}`) }
		first := w.subscribe(forEver)
		w.subscribe(func(r *Request) { r.TTL = new(time.Minute) })
		w.publish(`1`)
		w.receiver.answers(status(500))
		w.publish(`2`)
		w.stop()
		w.receiver.take()
		w.feeds.publish(`3`)
		time.Sleep(time.Hour) // the second one expires meanwhile
		w.receiver.answers(nil)
		w.feeds.change(func(f *fakeFeeds) { f.openErr = os.ErrDeadlineExceeded })
		w.restart()
		w.after(time.Minute)
		w.feeds.change(func(f *fakeFeeds) { f.openErr = nil })
		got := w.after(time.Minute)
		if text := ids(got); text != "e2 e3" && text != "e3 e2" {
			t.Fatalf("after the restart: %s", text)
		}
		if got[0].subscription != first.ID || w.receiver.challenges != 1 || w.feeds.open != 1 {
			t.Errorf("%d challenges, %d feeds, deliveries for %s", w.receiver.challenges, w.feeds.open, got[0].subscription)
		}
		if again := w.subscribe(forEver); again.ID != first.ID || again.RefreshBefore != nil || w.receiver.challenges != 1 {
			t.Errorf("got %+v", again)
		}
		if err := w.Unsubscribe(t.Context(), "ann", "test.event", []byte(`{"text":"<a> & b"}`), hook); err != nil {
			t.Fatal(err)
		}
		if text := stored(t, dir); strings.Contains(text, "sub_") {
			t.Errorf("after unsubscribing: %s", text)
		}
	})
}

// What earlier programs wrote, which had the older form of cursors, is read on.
func TestSubscriptionsOfTheFirstVersionAreKept(t *testing.T) {
	dir := t.TempDir()
	in(t, func(o *Options) { o.Dir = dir }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		w.stop()
		older := "c1_" + base64.RawURLEncoding.EncodeToString([]byte("0."+journal))
		text := strings.Replace(stored(t, dir), `"version":2`, `"version":1`, 1)
		text = strings.Replace(text, at(0).String(), older, 1)
		if !strings.Contains(text, older) || !strings.Contains(text, `"version":1`) {
			t.Fatalf("the file is %s", text)
		}
		if err := os.WriteFile(filepath.Join(dir, "webhooks.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.feeds.publish(`1`)
		w.restart()
		if got := ids(w.after(time.Minute)); got != "e1" {
			t.Errorf("after the restart: %s", got)
		}
	})
}

// A crash costs repetitions of the last second's deliveries, never an event.
func TestReadingPositionsAreSavedWithinASecond(t *testing.T) {
	dir := t.TempDir()
	in(t, func(o *Options) { o.Dir = dir }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		before := stored(t, dir)
		w.publish(`1`, `2`)
		w.after(saveInterval)
		if text := stored(t, dir); text == before || !strings.Contains(text, at(2).String()) {
			t.Errorf("a second later: %s", text)
		}
	})
}

func TestTheFileIsPrivateAndHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	in(t, func(o *Options) { o.Dir = dir }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		for _, name := range []string{"webhooks.json", "webhooks.lock"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		if _, err := New(w.opts); err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), dir) {
			t.Errorf("a second manager: %v", err)
		}
		w.stop()
		w.restart()
	})
}

func TestADamagedFileIsAnErrorAndKept(t *testing.T) {
	dir := t.TempDir()
	in(t, func(o *Options) { o.Dir = dir }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		w.stop()
		path := filepath.Join(dir, "webhooks.json")
		good := stored(t, dir)
		record := good[strings.Index(good, "[")+1 : strings.LastIndex(good, "]")]
		for name, text := range map[string]string{
			"empty": "", "cut off": good[:len(good)/2], "a later version": strings.Replace(good, `"version":2`, `"version":3`, 1),
			"another principal": strings.Replace(good, `"ann"`, `"bob"`, 1), "no secret": strings.Replace(good, secretPrefix, "", 1),
			"twice":     strings.Replace(good, record, record+","+record, 1),
			"no cursor": strings.Replace(good, at(0).String(), "", 1), "no version": `{}`, "not ours": `[]`,
		} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if m, err := New(w.opts); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v", name, err)
				if err == nil {
					m.Close(t.Context())
				}
			}
			if stored(t, dir) != text {
				t.Errorf("%s: the file was changed", name)
			}
		}
		if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
		w.restart()
	})
}

// A scope that is missing when the server starts may be granted again: what was promised is not forgotten for it.
func TestAMissingPermissionIsWaitedForAfterARestart(t *testing.T) {
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		w.feeds.change(func(f *fakeFeeds) {
			f.openErr = &eventcore.Error{Code: eventcore.CodePermissionDenied, Message: "a scope is missing"}
		})
		w.restart()
		if got := append(w.publish(`1`), w.after(time.Hour)...); len(got) != 0 {
			t.Errorf("without the scope: %s", ids(got))
		}
		w.feeds.change(func(f *fakeFeeds) { f.openErr = nil })
		if got := w.after(2 * time.Minute); ids(got) != "e1" {
			t.Errorf("with it: %s", ids(got))
		}
	})
}

// The time in which this server was down is no failure of the endpoint's.
func TestTimeBetweenServersIsNoFailure(t *testing.T) {
	in(t, func(o *Options) { o.Dir = t.TempDir() }, func(t *testing.T, w *world) {
		w.subscribe(func(r *Request) { r.TTL = nil })
		w.receiver.answers(status(503))
		w.publish(`1`, `2`)
		w.stop()
		time.Sleep(suspendTime + time.Hour)
		var failures atomic.Int32
		w.receiver.answers(func(received) int {
			if failures.Add(1) > 3 {
				return 200
			}
			return 503
		})
		w.restart()
		w.after(3 * time.Minute)
		if s := w.subscribe(func(r *Request) { r.TTL = nil }).Status; !s.Active || s.LastError != nil || s.FailedSince != nil {
			t.Errorf("soon after the restart: %+v", s)
		}
	})
}

// A success among the failures shows that the endpoint works, also if it comes last.
func TestASuccessAfterTheSuspensionResumes(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		var sub *subscription
		for _, sub = range w.subs {
		}
		sub.failed(time.Now().Add(-suspendTime), ReasonHTTP5xx, true)
		sub.failed(time.Now(), ReasonHTTP5xx, true)
		sub.succeeded(time.Now()) // one that was under way
		if got := w.publish(`1`); ids(got) != "e1" || !sub.active() {
			t.Errorf("got %s, active: %t", ids(got), sub.active())
		}
	})
}

func TestStandingsFollowDeliveries(t *testing.T) {
	in(t, nil, func(t *testing.T, w *world) {
		w.subscribe(nil)
		w.publish(`1`, `2`)
		got := w.Standings()
		if len(got) != 1 || got[0].Name != "test.event" || !got[0].Active || got[0].Cursor != at(2) || got[0].Feed == nil {
			t.Errorf("got %+v", got)
		}
	})
}
