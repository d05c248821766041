package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// The keys that the tests register.
const (
	messageKey  = "test.message.receive_v1"
	reactionKey = "test.reaction.created_v1"
)

// testEpoch is the time of the first event of a fake journal; each event is a second later.
var testEpoch = time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)

func registerKeys(t *testing.T, defs ...eventcore.KeyDefinition) {
	t.Helper()
	for _, def := range defs {
		eventcore.RegisterKey(def)
		t.Cleanup(func() { eventcore.UnregisterKeyForTest(def.Key) })
	}
}

func messageDefinition() eventcore.KeyDefinition {
	return eventcore.KeyDefinition{
		Key: messageKey, EventType: messageKey, DisplayName: "Message received",
		Description: "Someone wrote a message to the bot. Also in groups, if the app may read them.",
		Params: []eventcore.ParamDef{
			{Name: "chat_type", Type: eventcore.ParamEnum, Description: "only this kind of chat", Values: []eventcore.ParamValue{
				{Value: "p2p", Desc: "one to one"}, {Value: "group", Desc: "a group"},
			}},
			{Name: "mentions_me", Type: eventcore.ParamBool, Default: "false", Description: "only if the bot is mentioned"},
			{Name: "min_length", Type: eventcore.ParamInt, Description: "only messages of this length"},
		},
		Schema: eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Raw: json.RawMessage(
			`{"type":"object","properties":{"text":{"type":"string"}}}`)}},
		Example:   json.RawMessage(`{"text":"hello"}`),
		AuthTypes: []string{"bot"}, Scopes: []string{"im:message.p2p_msg:readonly"}, RequiredConsoleEvents: []string{messageKey},
	}
}

func reactionDefinition() eventcore.KeyDefinition {
	return eventcore.KeyDefinition{
		Key: reactionKey, EventType: reactionKey, DisplayName: "Reaction added", Description: "Someone reacted to a message.",
		Schema: eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Raw: json.RawMessage(`{"type":"object"}`)}},
	}
}

// fakeConsumer is a Consumer on a journal in memory. A filter "drop", or the param
// chat_type p2p, drops events whose data contains the word drop.
type fakeConsumer struct {
	mu           sync.Mutex
	journal      string
	events       []consume.Event // Subscription unset; EventType says whose they are
	subs         map[string]*consume.Subscription
	more         *broadcast
	oldest       eventcore.Position // events up to it have left the journal
	subscribeErr error
	statusErr    error
	readErr      error // returned by all reads
	cleanup      consume.Cleanup
	cleanupErr   error
	panicOnRead  bool
	rewind       bool // a cursor of another journal reads from the beginning
	reads        int
	closed       bool
	source       source.State
	scopes       []protocol.Scope
	problem      string
	unreadable   *eventcore.Error
}

func newFakeConsumer() *fakeConsumer {
	return &fakeConsumer{
		journal: "j1", subs: map[string]*consume.Subscription{}, more: newBroadcast(),
		cleanup: consume.CleanupDone, source: source.State{Phase: source.Connected, Since: testEpoch},
	}
}

// publish appends events; data starting with ! is an event whose Process failed.
func (f *fakeConsumer) publish(eventType string, data ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range data {
		n := len(f.events) + 1
		event := consume.Event{
			EventID: fmt.Sprintf("e%d", n), EventType: eventType, Time: testEpoch.Add(time.Duration(n) * time.Second),
			Cursor: eventcore.Cursor{Journal: f.journal, After: eventcore.Position(n)}, Received: time.Now(),
		}
		if raw, failed := strings.CutPrefix(d, "!"); failed {
			d = raw
			event.Err = &eventcore.Error{Code: eventcore.CodePlatformError, Message: "the lookup was refused"}
		}
		event.Data = json.RawMessage(d)
		f.events = append(f.events, event)
	}
	f.more.fire()
}

func (f *fakeConsumer) head() eventcore.Cursor {
	return eventcore.Cursor{Journal: f.journal, After: eventcore.Position(len(f.events))}
}

func (f *fakeConsumer) Subscribe(ctx context.Context, req consume.Request) (*consume.Subscription, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribeErr != nil {
		return nil, false, f.subscribeErr
	}
	def, ok := eventcore.Lookup(req.Key)
	if !ok {
		return nil, false, eventcore.UnknownKey(req.Key)
	}
	params, err := eventcore.ResolveParams(def, req.Params)
	if err != nil {
		return nil, false, err
	}
	start := f.head()
	switch {
	case req.From == "earliest":
		start.After = f.oldest
	case eventcore.IsCursor(req.From):
		if start, err = eventcore.ParseCursor(req.From); err != nil {
			return nil, false, err
		}
	case req.From != "" && req.From != "now":
		return nil, false, &eventcore.Error{Code: eventcore.CodeInvalidCursor, Message: "from is wrong", Hint: "use now"}
	}
	for _, sub := range f.subs {
		if sub.Key == def && maps.Equal(sub.Params, params) && sub.Filter == req.Filter {
			return sub, true, nil
		}
	}
	for _, sub := range f.subs {
		if sub.Key == def && def.SingleConsumer {
			return nil, false, &eventcore.Error{Code: eventcore.CodeSingleConsumer, Message: "it takes one consumer", Hint: "end the other one"}
		}
	}
	sub := &consume.Subscription{ID: fmt.Sprintf("sub_%d", len(f.subs)+1), Key: def, Params: params, Filter: req.Filter, Start: start}
	f.subs[sub.ID] = sub
	return sub, false, nil
}

func (f *fakeConsumer) Unsubscribe(_ context.Context, sub *consume.Subscription) (consume.Cleanup, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subs, sub.ID)
	return f.cleanup, f.cleanupErr
}

func (f *fakeConsumer) Read(ctx context.Context, at []consume.At, limit consume.Limit, wait time.Duration) (*consume.Page, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		more := f.more.next()
		page, err := f.page(at, limit.Events)
		if err != nil || len(page.Events) > 0 || wait <= 0 {
			return page, err
		}
		select {
		case <-more.Done():
		case <-timeout.C:
			return page, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fakeConsumer) page(at []consume.At, limit int) (*consume.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.panicOnRead {
		panic("the fake was told to")
	}
	if f.readErr != nil {
		return nil, f.readErr
	}
	page := &consume.Page{Source: f.source, Filtered: make([]int, len(at))}
	if at = slices.Clone(at); f.rewind {
		for i, a := range at {
			if a.Cursor.Journal != f.journal {
				at[i].Cursor, page.Truncated = eventcore.Cursor{Journal: f.journal}, true
			}
		}
	}
	end := f.head()
	for _, event := range f.events {
		for i, a := range at {
			after := max(a.Cursor.After, f.oldest)
			if a.Cursor.After < f.oldest {
				page.Truncated = true
			}
			if event.EventType != a.Subscription.Key.EventType || event.Cursor.After <= after {
				continue
			}
			if (a.Subscription.Filter == "drop" || a.Subscription.Params["chat_type"] == "p2p") && strings.Contains(string(event.Data), "drop") {
				page.Filtered[i]++
				continue
			}
			if len(page.Events) == limit {
				page.HasMore = true
				end = page.Events[limit-1].Cursor
				break
			}
			event.Subscription = a.Subscription
			page.Events = append(page.Events, event)
		}
	}
	for _, a := range at {
		page.Next = append(page.Next, eventcore.Cursor{Journal: f.journal, After: max(a.Cursor.After, end.After)})
	}
	return page, nil
}

// Locate takes the time of the last event for now.
func (f *fakeConsumer) Locate(_ context.Context, sub *consume.Subscription, cursor *eventcore.Cursor, maxAge time.Duration) (eventcore.Cursor, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	start, truncated := f.head(), false
	if f.readErr != nil || cursor == nil {
		return start, false, f.readErr
	}
	if start = *cursor; start.Journal != f.journal || start.After < f.oldest || start.After > f.head().After {
		start, truncated = eventcore.Cursor{Journal: f.journal, After: f.oldest}, true
	}
	for _, event := range f.events[start.After:] {
		if maxAge == 0 || event.Time.After(testEpoch.Add(time.Duration(len(f.events))*time.Second-maxAge)) {
			break
		}
		start = event.Cursor
		truncated = truncated || event.EventType == sub.Key.EventType
	}
	return start, truncated, nil
}

func (f *fakeConsumer) Normalize(_ context.Context, key string, params map[string]any) (map[string]string, error) {
	def, ok := eventcore.Lookup(key)
	if !ok {
		return nil, eventcore.UnknownKey(key)
	}
	return eventcore.ResolveParams(def, params)
}

func (f *fakeConsumer) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// subscriptions returns how many there are.
func (f *fakeConsumer) subscriptions() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subs)
}

func (f *fakeConsumer) Behind(_ context.Context, at consume.At) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(f.events), func(e consume.Event) bool {
		return e.EventType != at.Subscription.Key.EventType || e.Cursor.After <= at.Cursor.After
	})), nil
}

func (f *fakeConsumer) Source() source.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.source
}

func (f *fakeConsumer) NextSource(ctx context.Context, last source.State) (source.State, error) {
	for {
		changed := f.more.next()
		if state := f.Source(); state != last {
			return state, nil
		}
		select {
		case <-changed.Done():
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

func (f *fakeConsumer) Status(context.Context) (*protocol.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.statusErr != nil {
		return nil, f.statusErr
	}
	return &protocol.Status{
		AppID: "cli_test", Domain: "feishu", PID: 7, Started: time.Now().Add(-90 * time.Second), Source: f.source,
		Journal:   protocol.JournalStats{ID: f.journal, Events: len(f.events), Bytes: 4096, Oldest: testEpoch, Newest: testEpoch},
		Consumers: []protocol.Consumer{{Name: "mcp"}}, Scopes: f.scopes, Problem: f.problem, Unreadable: f.unreadable,
	}, nil
}

func (f *fakeConsumer) Close(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// count returns how many pages were read.
func (f *fakeConsumer) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

func (f *fakeConsumer) change(change func(f *fakeConsumer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
	f.more.fire()
}
