package consume_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// register adds a key for the length of the test.
func register(t *testing.T, def eventcore.KeyDefinition) string {
	t.Helper()
	if def.Schema.Native == nil && def.Schema.Custom == nil {
		def.Schema = eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Raw: json.RawMessage(`{"type":"object"}`)}}
	}
	eventcore.RegisterKey(def)
	t.Cleanup(func() { eventcore.UnregisterKeyForTest(def.Key) })
	return def.Key
}

func newClient(t *testing.T, b *testutil.RunningBus, change ...func(*consume.Options)) *consume.Client {
	t.Helper()
	opts := consume.Options{App: b.App, Name: "test"}
	for _, f := range change {
		f(&opts)
	}
	c := consume.New(opts)
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return c
}

func subscribe(t *testing.T, c *consume.Client, req consume.Request) *consume.Subscription {
	t.Helper()
	sub, _, err := c.Subscribe(t.Context(), req)
	if err != nil {
		t.Fatalf("subscribe to %s: %v", req.Key, err)
	}
	return sub
}

// at is where a subscription begins.
func at(subs ...*consume.Subscription) []consume.At {
	var all []consume.At
	for _, sub := range subs {
		all = append(all, consume.At{Subscription: sub, Cursor: sub.Start})
	}
	return all
}

func read(t *testing.T, c *consume.Client, from []consume.At, limit int, wait time.Duration) *consume.Page {
	t.Helper()
	page, err := c.Read(t.Context(), from, consume.Limit{Events: limit}, wait)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return page
}

func ids(page *consume.Page) []string {
	found := []string{}
	for _, e := range page.Events {
		found = append(found, e.EventID)
	}
	return found
}

func wantIDs(ns ...int) []string {
	want := []string{}
	for _, n := range ns {
		want = append(want, fmt.Sprintf("ev-%06d", n))
	}
	return want
}

func startBus(t *testing.T, change ...func(*bus.Options)) *testutil.RunningBus {
	return testutil.StartBus(t, testutil.Home(t).App("cli_test"), change...)
}

func TestAPageIsReadAgainWithItsCursor(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})})
	b.Source.Send(t, testutil.Events(1, 5, "t.a")...)

	first := read(t, c, at(sub), 2, 0)
	if got := ids(first); !slices.Equal(got, wantIDs(1, 2)) || !first.HasMore {
		t.Fatalf("first page: %v, more %t", got, first.HasMore)
	}
	again := read(t, c, at(sub), 2, 0)
	if !slices.Equal(ids(again), ids(first)) {
		t.Errorf("read again: %v, want %v", ids(again), ids(first))
	}
	rest := read(t, c, []consume.At{{Subscription: sub, Cursor: first.Next[0]}}, 10, 0)
	if got := ids(rest); !slices.Equal(got, wantIDs(3, 4, 5)) || rest.HasMore || rest.Truncated {
		t.Errorf("second page: %v %+v", got, rest)
	}
	if rest.Events[2].Cursor != rest.Next[0] {
		t.Errorf("the last event's cursor is %v, the page's %v", rest.Events[2].Cursor, rest.Next[0])
	}
}

func TestAWaitEndsWithTheFirstEvent(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})})
	pages := make(chan *consume.Page)
	go func() { pages <- read(t, c, at(sub), 10, time.Hour) }()
	b.Source.Send(t, testutil.Event(1, "t.other"), testutil.Event(2, "t.a"))
	if got := ids(<-pages); !slices.Equal(got, wantIDs(2)) {
		t.Errorf("got %v", got)
	}
}

func TestACancelledWaitReturnsAtOnce(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	sub := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.Read(ctx, at(sub), consume.Limit{Events: 10}, time.Hour)
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	b.Source.Send(t, testutil.Event(1, "t.a"))
	if got := ids(read(t, c, at(sub), 10, time.Hour)); !slices.Equal(got, wantIDs(1)) {
		t.Errorf("after the cancelled read: %v", got)
	}
}

func TestSeveralSubscriptionsAreReadInJournalOrder(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	all := subscribe(t, c, consume.Request{Key: key})
	odd := subscribe(t, c, consume.Request{Key: key, Filter: ".event.n % 2 == 1"})
	other := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.b", EventType: "t.b"})})
	b.Source.Send(t, testutil.Event(1, "t.a"), testutil.Event(2, "t.b"), testutil.Event(3, "t.a"), testutil.Event(4, "t.a"))

	// Pages of every size give the same sequence.
	want := []string{"all 1", "odd 1", "other 2", "all 3", "odd 3", "all 4"}
	names := map[*consume.Subscription]string{all: "all", odd: "odd", other: "other"}
	for size := 1; size <= 7; size++ {
		from, got := at(all, odd, other), []string{}
		for more := true; more; {
			page := read(t, c, from, size, 0)
			for _, e := range page.Events {
				var data struct{ Event struct{ N int } }
				if err := json.Unmarshal(e.Data, &data); err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s %d", names[e.Subscription], data.Event.N))
			}
			for i := range from {
				from[i].Cursor = page.Next[i]
			}
			more = page.HasMore
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", size, got, want)
		}
	}
}

func TestHooksRunInOrderAndAFailureHidesNothing(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b, func(o *consume.Options) {
		o.API = func(string) (eventcore.APIClient, error) { return nil, nil }
	})
	n := func(raw *eventcore.RawEvent) (n int) {
		fmt.Sscanf(raw.EventID, "ev-%d", &n)
		return n
	}
	key := register(t, eventcore.KeyDefinition{
		Key: "t.p", EventType: "t.p", Workers: 4,
		Match: func(raw *eventcore.RawEvent, _ map[string]string) bool { return n(raw) != 2 },
		Process: func(_ context.Context, _ eventcore.APIClient, raw *eventcore.RawEvent, _ map[string]string) (json.RawMessage, error) {
			switch n(raw) {
			case 3:
				return nil, nil
			case 4:
				return nil, errors.New("the lookup broke")
			case 5:
				panic("oh no")
			case 8:
				return json.RawMessage(`{"known":8}`), errors.New("the title could not be had")
			}
			return json.RawMessage(fmt.Sprintf(`{"n":%d}`, n(raw))), nil
		},
	})
	sub := subscribe(t, c, consume.Request{Key: key, Filter: ".n != 6"})
	b.Source.Send(t, testutil.Events(1, 8, "t.p")...)
	page := read(t, c, at(sub), 10, 0)
	if got := ids(page); !slices.Equal(got, wantIDs(1, 4, 5, 7, 8)) {
		t.Fatalf("got %v", got)
	}
	if page.Filtered[0] != 3 {
		t.Errorf("filtered %d, want 3", page.Filtered[0])
	}
	if string(page.Events[0].Data) != `{"n":1}` || page.Events[0].Err != nil {
		t.Errorf("event 1: %s, %v", page.Events[0].Data, page.Events[0].Err)
	}
	for i := 1; i <= 2; i++ {
		var envelope struct{ Schema string }
		if err := json.Unmarshal(page.Events[i].Data, &envelope); err != nil || envelope.Schema != "2.0" {
			t.Errorf("a failed event is not delivered raw: %s", page.Events[i].Data)
		}
		if page.Events[i].Err == nil || page.Events[i].Err.Code != eventcore.CodeInternal {
			t.Errorf("a failed event says %v", page.Events[i].Err)
		}
	}
	for _, e := range page.Events {
		if !strings.Contains(string(e.Raw), `"schema"`) || !strings.Contains(string(e.Raw), e.EventID) {
			t.Errorf("event %s as the platform sent it: %s", e.EventID, e.Raw)
		}
	}
	if last := page.Events[4]; string(last.Data) != `{"known":8}` || last.Err == nil || last.Err.Message != "the title could not be had" {
		t.Errorf("an event with a part missing: %s, %v", last.Data, last.Err)
	}
}

func TestFilters(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a", Example: json.RawMessage(`{"event":{"n":1}}`)})
	for name, bad := range map[string]string{
		"syntax": ".[", "unknown function": "nope(1)", "endless": "def f: f; f", "endless output": "[range(infinite)]",
	} {
		if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: key, Filter: bad}); !eventcore.IsCode(err, eventcore.CodeInvalidFilter) {
			t.Errorf("%s: got %v, want invalid_filter", name, err)
		}
	}
	fails := subscribe(t, c, consume.Request{Key: key, Filter: `if .event.n == 1 then true else error("odd") end`})
	empty := subscribe(t, c, consume.Request{Key: key, Filter: `empty`})
	b.Source.Send(t, testutil.Events(1, 2, "t.a")...)
	page := read(t, c, at(fails), 10, 0)
	if len(page.Events) != 2 || page.Events[0].Err != nil || page.Events[1].Err == nil || page.Events[1].Err.Code != eventcore.CodeInvalidFilter {
		t.Errorf("a filter that fails on an event: %+v", page.Events)
	}
	if page := read(t, c, at(empty), 10, 0); len(page.Events) != 0 || page.Filtered[0] != 2 {
		t.Errorf("an empty filter: %+v", page)
	}
}

func TestWhereASubscriptionBegins(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	old := testutil.Events(1, 2, "t.a")
	for i := range old {
		old[i].Timestamp = time.Now().Add(-time.Hour)
	}
	b.Source.Send(t, old...)
	b.Source.Send(t, testutil.Events(3, 4, "t.a")...)
	middle := read(t, c, at(subscribe(t, c, consume.Request{Key: key, From: "earliest"})), 3, 0).Next[0]
	foreign := eventcore.Cursor{Journal: "elsewhere", After: 3}
	older := "c1_" + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", middle.After, middle.Journal))
	cases := []struct {
		from      string
		want      []string
		truncated bool
	}{
		{"now", wantIDs(), false},
		{"earliest", wantIDs(1, 2, 3, 4), false},
		{"30m", wantIDs(3, 4), false},
		{"2d", wantIDs(1, 2, 3, 4), false},
		{middle.String(), wantIDs(4), false},
		{older, wantIDs(4), false},
		{foreign.String(), wantIDs(1, 2, 3, 4), true},
		{eventcore.Cursor{Journal: middle.Journal, After: 1 << 40}.String(), wantIDs(1, 2, 3, 4), true},
	}
	for i, test := range cases {
		sub := subscribe(t, c, consume.Request{Key: key, From: test.from, Filter: fmt.Sprintf("%d != -1", i)})
		page := read(t, c, at(sub), 10, 0)
		if got := ids(page); !slices.Equal(got, test.want) || page.Truncated != test.truncated {
			t.Errorf("from %s: %v truncated %t, want %v %t", test.from, got, page.Truncated, test.want, test.truncated)
		}
	}
	for _, bad := range []string{"yesterday", "c1_", "c1_!!", "-5m", "c1_AAAA", "_", "_AAAA", "_!!.j"} {
		if _, _, err := c.Subscribe(t.Context(), consume.Request{Key: key, From: bad}); !eventcore.IsCode(err, eventcore.CodeInvalidCursor) {
			t.Errorf("from %q: got %v, want invalid_cursor", bad, err)
		}
	}
}

func TestRefusedSubscriptions(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.single", EventType: "t.s", SingleConsumer: true, Params: []eventcore.ParamDef{
		{Name: "mode", Type: eventcore.ParamEnum, Description: "how", Values: []eventcore.ParamValue{{Value: "a", Desc: "first"}}},
	}})
	subscribe(t, c, consume.Request{Key: key})
	other := newClient(t, b)
	for name, test := range map[string]struct {
		req  consume.Request
		code eventcore.Code
	}{
		"unknown key":     {consume.Request{Key: "t.singel"}, eventcore.CodeUnknownKey},
		"unknown param":   {consume.Request{Key: key, Params: map[string]any{"x": 1}}, eventcore.CodeInvalidParams},
		"value not among": {consume.Request{Key: key, Params: map[string]any{"mode": "b"}}, eventcore.CodeInvalidParams},
		"second consumer": {consume.Request{Key: key}, eventcore.CodeSingleConsumer},
	} {
		if _, _, err := other.Subscribe(t.Context(), test.req); !eventcore.IsCode(err, test.code) {
			t.Errorf("%s: got %v, want %s", name, err, test.code)
		}
	}
}

func TestARefusedSourceIsToldToNewSubscribers(t *testing.T) {
	refusal := &eventcore.Error{Code: eventcore.CodePlatformError, Message: "app_secret is wrong", PlatformCode: 10014}
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"), func(o *bus.Options) {
		o.Source = &testutil.Source{Refuse: refusal}
	})
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	_, _, err := c.Subscribe(t.Context(), consume.Request{Key: key})
	var got *eventcore.Error
	if !errors.As(err, &got) || got.PlatformCode != 10014 {
		t.Errorf("got %v", err)
	}
	// What the journal has can still be read.
	sub := subscribe(t, c, consume.Request{Key: key, From: "earliest"})
	if page := read(t, c, at(sub), 1, 0); page.Source.Phase != source.Failed || len(sub.Warnings()) == 0 {
		t.Errorf("source %+v, warnings %v", page.Source, sub.Warnings())
	}
}

func TestTheTimeOfAnEventIsReadInEveryUnitThePlatformWrites(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.time", EventType: "t.time"})
	sub := subscribe(t, c, consume.Request{Key: key})
	want := time.Date(2026, 1, 2, 7, 46, 40, 0, time.UTC)
	units := map[string]string{"ev-1": "1767340000000", "ev-2": "1767340000000000", "ev-3": "1767340000", "ev-4": "999999999999999999"}
	for _, id := range []string{"ev-1", "ev-2", "ev-3", "ev-4"} {
		b.Source.Send(t, eventcore.RawEvent{
			EventID: id, EventType: "t.time", SourceTime: units[id], Payload: json.RawMessage(`{}`), Timestamp: want,
		})
	}
	for _, event := range read(t, c, at(sub), 10, 0).Events {
		if !event.Time.Equal(want) {
			t.Errorf("%s is of %s, want %s", units[event.EventID], event.Time, want)
		}
		if !event.Received.Equal(want) {
			t.Errorf("%s arrived at %s, want %s", event.EventID, event.Received, want)
		}
	}
}
