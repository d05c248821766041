package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// fleet makes consumers that share one journal, as those of one bus do. The first is the one that publishes.
type fleet struct {
	*fakeConsumer
	mu   sync.Mutex
	made []*fakeConsumer
}

func newFleet() *fleet { return &fleet{fakeConsumer: newFakeConsumer()} }

func (f *fleet) next() (Consumer, error) {
	made := newFakeConsumer()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made = append(f.made, made)
	return &fleetConsumer{made, f.fakeConsumer}, nil
}

func (f *fleet) all() []*fakeConsumer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*fakeConsumer{}, f.made...)
}

// fleetConsumer has subscriptions of its own, and reads the fleet's journal.
type fleetConsumer struct {
	*fakeConsumer
	journal *fakeConsumer
}

func (c *fleetConsumer) Read(ctx context.Context, at []consume.At, limit consume.Limit, wait time.Duration) (*consume.Page, error) {
	return c.journal.Read(ctx, at, limit, wait)
}

func (c *fleetConsumer) Locate(ctx context.Context, sub *consume.Subscription, cursor *eventcore.Cursor, maxAge time.Duration) (eventcore.Cursor, bool, error) {
	return c.journal.Locate(ctx, sub, cursor, maxAge)
}

// heldDefinition is a key with a platform side, for one consumer if single.
func heldDefinition(single bool) eventcore.KeyDefinition {
	def := reactionDefinition()
	def.SingleConsumer = single
	def.PreConsume = func(context.Context, eventcore.APIClient, map[string]string) (func() error, error) { return nil, nil }
	return def
}

func follow(key string) map[string]any { return map[string]any{"name": key, "cursor": nil} }

// must returns the result of a request, which must succeed.
func (c *client) must(method string, params any) json.RawMessage {
	c.t.Helper()
	answer := c.request(method, params)
	if answer.Error != nil {
		c.t.Fatalf("%s: %+v", method, answer.Error)
	}
	return answer.Result
}

// stream begins a stream and waits until it is active.
func (c *client) stream(key string) (id string) {
	c.t.Helper()
	id = c.start(eventsStreamMethod, follow(key))
	if note := string(c.note()); !strings.Contains(note, "notifications/events/active") {
		c.t.Fatalf("the stream began with %s", note)
	}
	return id
}

func (c *client) cancel(id string) {
	c.t.Helper()
	c.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
}

func TestAPolledSubscriptionLivesAsLongAsSomeonePolls(t *testing.T) {
	registerKeys(t, heldDefinition(false))
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		for range 3 {
			c.must("events/poll", follow(reactionKey))
			time.Sleep(leaseTime - time.Second)
			synctest.Wait()
			if n := consumer.subscriptions(); n != 1 {
				t.Fatalf("%d subscriptions between two polls, want 1", n)
			}
		}
		if consumer.isClosed() {
			t.Error("the consumer was closed between two polls")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := consumer.subscriptions(); n != 0 || !consumer.isClosed() {
			t.Errorf("%d subscriptions after the last poll's lease, consumer closed: %t", n, consumer.isClosed())
		}
		c.must("events/poll", follow(reactionKey))
		if n := consumer.subscriptions(); n != 1 {
			t.Errorf("%d subscriptions after another poll, want 1", n)
		}
		c.end()
	})
}

func TestAPollThatFailsMakesTheNextSubscribeAnew(t *testing.T) {
	registerKeys(t, heldDefinition(false))
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		consumer.change(func(f *fakeConsumer) {
			f.readErr = &eventcore.Error{Code: eventcore.CodeBusUnavailable, Message: "gone"}
		})
		if answer := c.request("events/poll", follow(reactionKey)); answer.Error == nil || answer.Error.Message != "gone" {
			t.Errorf("polled %+v", answer)
		}
		synctest.Wait()
		if n := consumer.subscriptions(); n != 0 {
			t.Errorf("%d subscriptions are kept from a poll that failed", n)
		}
		c.end()
	})
}

func TestLeasesAreLimited(t *testing.T) {
	def := heldDefinition(false)
	def.Params = []eventcore.ParamDef{{Name: "n", Type: eventcore.ParamInt, Description: "any number"}}
	registerKeys(t, def)
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeConsumer()).listen().initialize()
		poll := func(n int) rpc {
			return c.request("events/poll", map[string]any{"name": reactionKey, "arguments": map[string]any{"n": n}, "cursor": nil})
		}
		for n := range maxLeases {
			if answer := poll(n); answer.Error != nil {
				t.Fatalf("poll %d: %+v", n, answer.Error)
			}
		}
		if answer := poll(maxLeases); answer.Error == nil || answer.Error.Code != codeExhausted {
			t.Errorf("one more: %+v", answer)
		}
		if answer := poll(0); answer.Error != nil {
			t.Errorf("one that has its lease: %+v", answer.Error)
		}
		c.end()
	})
}

// What needs no platform side is held as long as there is room, and keeps nobody from polling what does.
func TestLeasesOfPlainKeysMakeWay(t *testing.T) {
	plain := messageDefinition()
	plain.Params = []eventcore.ParamDef{{Name: "n", Type: eventcore.ParamInt, Description: "any number"}}
	registerKeys(t, plain, heldDefinition(false))
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		for n := range maxLeases {
			c.must("events/poll", map[string]any{"name": messageKey, "arguments": map[string]any{"n": n}, "cursor": nil})
			time.Sleep(time.Millisecond)
		}
		c.must("events/poll", follow(reactionKey))
		synctest.Wait()
		held := map[string]bool{}
		consumer.change(func(f *fakeConsumer) {
			for _, sub := range f.subs {
				held[sub.Key.Key+sub.Params["n"]] = true
			}
		})
		if len(held) != maxLeases || !held[reactionKey] || held[messageKey+"0"] {
			t.Errorf("%d are held, with the platform's: %t, and the oldest other: %t", len(held), held[reactionKey], held[messageKey+"0"])
		}
		c.end()
	})
}

func TestAStreamAndAToolsSubscriptionEndApart(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		all := newFleet()
		c := serve(t, all, func(o *Options) { o.Consumer, o.Push = all.next, PushOff }).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		c.note() // the list of resources
		c.stream(messageKey)
		c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		c.note()
		all.publish(messageKey, `{"text":"one"}`)
		if note := string(c.note()); !strings.Contains(note, "notifications/events/event") {
			t.Errorf("after the tool's subscription had ended came %s", note)
		}
		c.end()
	})
}

func TestOfAKeyForOneConsumerASecondReaderIsRefused(t *testing.T) {
	registerKeys(t, heldDefinition(true))
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeConsumer()).listen().initialize()
		c.must("events/poll", follow(reactionKey))
		stream := c.stream(reactionKey) // takes the place of the polls
		for _, method := range []string{eventsStreamMethod, "events/poll"} {
			answer := c.request(method, follow(reactionKey))
			if answer.Error == nil || answer.Error.Code != codeExhausted || !strings.Contains(answer.Error.Message, "one consumer") {
				t.Errorf("%s beside a stream: %+v", method, answer)
			}
		}
		c.cancel(stream)
		synctest.Wait()
		c.must("events/poll", follow(reactionKey))
		c.end()
	})
}

// Streams are outside every limit: more of them than requests are answered at once, and than a bus answers one
// consumer.
func TestAnyNumberOfStreams(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		all := newFleet()
		c := serve(t, all, func(o *Options) { o.Consumer = all.next }).listen().initialize()
		const streams = maxRequests + 50
		for range streams {
			c.stream(messageKey)
		}
		c.must("ping", nil)
		if n := len(all.all()); n != (streams+laneReads-1)/laneReads {
			t.Errorf("%d streams share %d consumers", streams, n)
		}
		all.publish(messageKey, `{"text":"one"}`)
		told := map[string]bool{}
		for range streams {
			note := decode[struct {
				Params struct {
					Meta map[string]json.RawMessage `json:"_meta"`
				}
			}](t, c.note())
			told[string(note.Params.Meta["io.modelcontextprotocol/subscriptionId"])] = true
		}
		if len(told) != streams {
			t.Errorf("%d of %d streams told of the event", len(told), streams)
		}
		c.end()
		for i, made := range all.all() {
			if !made.isClosed() {
				t.Errorf("consumer %d was not closed", i)
			}
		}
	})
}

func TestAPageOfTheListIsSmall(t *testing.T) {
	var defs []eventcore.KeyDefinition
	for i := range 60 {
		def := messageDefinition()
		def.Key = fmt.Sprintf("test.large.event%02d_v1", i)
		def.Description = strings.Repeat("It says much. ", 400)
		defs = append(defs, def)
	}
	registerKeys(t, defs...)
	c := serve(t, newFakeConsumer()).listen().initialize()
	names := map[string]bool{}
	pages := 0
	for cursor := ""; ; pages++ {
		text := c.must("events/list", map[string]any{"cursor": cursor})
		if len(text) > listBytes+1000 {
			t.Errorf("a page of %d bytes", len(text))
		}
		page := decode[listResult](t, text)
		for _, entry := range page.Events {
			names[entry.Name] = true
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(names) != len(defs) || pages < 3 {
		t.Errorf("%d pages list %d of %d events", pages, len(names), len(defs))
	}
	c.end()
}

// lateConsumer runs what is to happen after its next Subscribe, before that returns.
type lateConsumer struct {
	*fakeConsumer
	after func()
}

func (l *lateConsumer) Subscribe(ctx context.Context, req consume.Request) (*consume.Subscription, bool, error) {
	sub, existed, err := l.fakeConsumer.Subscribe(ctx, req)
	if after := l.after; after != nil {
		l.after = nil
		after()
	}
	return sub, existed, err
}

// What reviving makes anew ends again, unless another feed has taken hold of it meanwhile.
func TestRevivingSparesWhatAnotherFeedHolds(t *testing.T) {
	for name, want := range map[string]int{"nobody else": 0, "another feed": 1} {
		t.Run(name, func(t *testing.T) {
			registerKeys(t, messageDefinition())
			consumer := &lateConsumer{fakeConsumer: newFakeConsumer()}
			server := newTestServer(t, consumer)
			defer server.Close(t.Context())
			in, err := newInterest(messageKey, nil, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			one, err := server.hub.open(t.Context(), in, 1)
			if err != nil {
				t.Fatal(err)
			}
			consumer.change(func(f *fakeConsumer) { clear(f.subs) }) // as if the params meant something else by now
			if want > 0 {
				consumer.after = func() {
					if _, err := server.hub.open(t.Context(), in, 1); err != nil {
						t.Error(err)
					}
				}
			}
			if err := one.revive(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := consumer.subscriptions(); n != want {
				t.Errorf("the consumer has %d subscriptions, want %d", n, want)
			}
		})
	}
}
