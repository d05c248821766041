package bus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// flakyJournal refuses appends while full is set, and counts them.
type flakyJournal struct {
	journal.Journal
	mu      sync.Mutex
	full    bool
	appends int
}

func (f *flakyJournal) Append(ctx context.Context, entries []journal.Entry) ([]journal.Appended, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.appends++
	if f.full {
		return nil, journal.ErrFull
	}
	return f.Journal.Append(ctx, entries)
}

func newFlakyJournal(t *testing.T) *flakyJournal {
	t.Helper()
	log, err := journal.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &flakyJournal{Journal: log}
}

// outcome keeps what an event's Done was told.
type outcome struct {
	id  string
	err error
}

// event returns an event whose Done goes to done.
func event(id string, done chan<- outcome) source.Event {
	return source.Event{
		RawEvent: eventcore.RawEvent{EventID: id, EventType: "t.a", Payload: []byte(`{}`), Timestamp: time.Now()},
		Done:     func(err error) { done <- outcome{id, err} },
	}
}

func newTestIngest(log journal.Journal) (*ingest, *[]recentItem) {
	var published []recentItem
	return newIngest(log, slog.New(slog.DiscardHandler), func(items []recentItem) { published = append(published, items...) }, func([]recentItem) {}), &published
}

// What was acknowledged can be read, and the platform does not wait while hundreds are woken.
func TestAnEventIsReadableThenAcknowledgedThenAwaited(t *testing.T) {
	var order []string
	step := func(what string) func([]recentItem) {
		return func(items []recentItem) { order = append(order, fmt.Sprint(what, len(items))) }
	}
	in := newIngest(newFlakyJournal(t), slog.New(slog.DiscardHandler), step("readable "), step("woken "))
	one := event("a", nil)
	one.Done = func(err error) { order = append(order, fmt.Sprint("acknowledged ", err)) }
	in.store([]source.Event{one})
	if want := []string{"readable 1", "acknowledged <nil>", "woken 1"}; !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestEventsThatWaitShareACommit(t *testing.T) {
	log := newFlakyJournal(t)
	in, published := newTestIngest(log)
	done := make(chan outcome, 100)
	for range 100 {
		if err := in.deliver(t.Context(), event(string(rune('a'+len(in.queue))), done)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in.run(ctx) // stores what was delivered before the end
	if log.appends != 1 || len(*published) != 100 || len(done) != 100 {
		t.Errorf("%d appends, %d published, %d acknowledged; want 1, 100, 100", log.appends, len(*published), len(done))
	}
}

func TestAFullDiskRefusesEventsUntilThereIsRoom(t *testing.T) {
	log := newFlakyJournal(t)
	in, published := newTestIngest(log)
	done := make(chan outcome, 2)
	log.full = true
	in.store([]source.Event{event("a", done)})
	if got := <-done; !errors.Is(got.err, journal.ErrFull) || in.lastProblem() == "" || len(*published) != 0 {
		t.Fatalf("while full: acknowledged with %v, problem %q, published %d", got.err, in.lastProblem(), len(*published))
	}
	log.full = false
	in.store([]source.Event{event("a", done)}) // the platform delivers it again
	if got := <-done; got.err != nil || in.lastProblem() != "" || len(*published) != 1 {
		t.Errorf("with room: acknowledged with %v, problem %q, published %d", got.err, in.lastProblem(), len(*published))
	}
	if c := in.counters(); c.Refused != 1 || c.Journaled != 1 || c.Duplicates != 0 {
		t.Errorf("counters %+v", c)
	}
}

func TestADuplicateIsAcknowledgedAndNotPublished(t *testing.T) {
	log := newFlakyJournal(t)
	in, published := newTestIngest(log)
	done := make(chan outcome, 10)
	in.store([]source.Event{event("a", done), event("b", done), event("a", done)}) // twice in one commit
	in.store([]source.Event{event("b", done)})                                     // again later
	in.dedup = eventcore.NewDedupFilter()                                          // as after a restart
	in.store([]source.Event{event("a", done)})
	close(done)
	acknowledged := 0
	for o := range done {
		if o.err != nil {
			t.Errorf("%s: %v", o.id, o.err)
		}
		acknowledged++
	}
	if acknowledged != 5 || len(*published) != 2 || in.counters().Duplicates != 3 {
		t.Errorf("%d acknowledged, %d published, %+v", acknowledged, len(*published), in.counters())
	}
}

// A message that comes again as another event has another id, but what tells it is the same.
func TestWhatIsToldByMoreThanItsIDIsKeptOnce(t *testing.T) {
	in, published := newTestIngest(newFlakyJournal(t))
	done := make(chan outcome, 5)
	message := func(id string) source.Event {
		e := event(id, done)
		e.DedupID = "om_1"
		return e
	}
	in.store([]source.Event{message("a"), message("b"), event("c", done)}) // twice in one commit
	in.store([]source.Event{message("d")})                                 // again later
	in.dedup = eventcore.NewDedupFilter()                                  // as after a restart
	in.store([]source.Event{message("e")})
	for range cap(done) {
		if got := <-done; got.err != nil {
			t.Errorf("%s: %v", got.id, got.err)
		}
	}
	if p := *published; len(p) != 2 || !bytes.Contains(p[0].line, []byte(`"event_id":"a"`)) || in.counters().Duplicates != 3 {
		t.Errorf("published %d, %+v; want the first one, as it came, and the one beside it", len(p), in.counters())
	}
}

func TestALongIDIsKeptAsItsHash(t *testing.T) {
	in, published := newTestIngest(newFlakyJournal(t))
	done := make(chan outcome, 4)
	long := strings.Repeat("x", 1<<20)
	in.store([]source.Event{event(long+"1", done), event(long+"2", done), event(long+"1", done)})
	in.store([]source.Event{event(long+"2", done)})
	if len(*published) != 2 || in.counters().Duplicates != 2 || !in.dedup.Seen("sha256:"+sha256Hex(long+"1")) {
		t.Errorf("published %d, %+v", len(*published), in.counters())
	}
}

func sha256Hex(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

func TestDeliverWaitsForRoomAndCanBeCancelled(t *testing.T) {
	in, _ := newTestIngest(newFlakyJournal(t))
	done := make(chan outcome, maxUnderWay)
	for range maxUnderWay {
		if err := in.deliver(t.Context(), event("x", done)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.deliver(ctx, event("y", done)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRecentForgetsTheOldestAndSaysSo(t *testing.T) {
	r := newRecent()
	r.start(7)
	var items []recentItem
	for n := range maxRecentEvents + 10 {
		items = append(items, recentItem{position: eventcore.Position(8 + n), eventType: []string{"a", "b"}[n%2], line: []byte("x")})
	}
	r.add(items)
	if _, _, ok := r.read(fetchOf(16)); ok {
		t.Error("answers from a position that is no longer in memory")
	}
	batch, lines, ok := r.read(fetchOf(17))
	if !ok || len(lines) != 1 || string(lines[0]) != "xxxxx" || batch.Next != 22 || !batch.More {
		t.Errorf("ok %t, %q, %+v; want five events, as one that lies in memory", ok, lines, batch)
	}
	f := fetchOf(17, "b")
	batch, lines, ok = r.read(f)
	if !ok || len(lines) != 5 || batch.Next != 27 {
		t.Errorf("of one type: ok %t, %d lines, %+v", ok, len(lines), batch)
	}
	big := []recentItem{{position: 20_000, eventType: "a", line: slices.Repeat([]byte("x"), maxRecentBytes+1)}}
	r.add(big)
	if len(r.items) != 0 || r.bytes != 0 || r.floor != 20_000 {
		t.Errorf("an event larger than the bound is kept: %d items, %d bytes, floor %d", len(r.items), r.bytes, r.floor)
	}
}

func fetchOf(after eventcore.Position, types ...string) *protocol.Fetch {
	return &protocol.Fetch{After: after, Types: types, Max: 5, MaxBytes: 1 << 20}
}
