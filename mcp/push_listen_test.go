package mcp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// The two protocol eras have two ways to ask for the updates of a resource. What comes of them is the same, on every
// transport.
func TestUpdatesOfASubscriptionAreTheSameInBothEras(t *testing.T) {
	registerKeys(t, messageDefinition())
	for transport, connect := range transports() {
		for _, era := range []string{"initialize", "2026-07-28"} {
			t.Run(transport+"/"+era, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					consumer := newFakeConsumer()
					a := &eraClient{t: t, peer: connect(t, newTestServer(t, consumer), ""), modern: era != "initialize"}
					if !a.modern {
						a.peer.initialize()
					}
					checkUpdates(t, consumer, a)
					if err := a.peer.end(); err != nil {
						t.Errorf("it ended with %v", err)
					}
				})
			})
		}
	}
}

func checkUpdates(t *testing.T, consumer *fakeConsumer, a *eraClient) {
	key := map[string]any{"key": messageKey}
	sub := decode[subscribeResult](t, a.tool("subscribe_event", key))
	stop := a.ask(subscriptionURI(sub.SubscriptionID))
	for range 200 { // two seconds
		consumer.publish(messageKey, `1`)
		time.Sleep(10 * time.Millisecond)
	}
	if n := a.updates(); n < 7 || n > 9 {
		t.Errorf("%d updates in two seconds, want 8", n)
	}
	if page := decode[pollResult](t, a.tool("poll_events", map[string]any{"max_events": 200})); len(page.Events) != 200 {
		t.Errorf("%d events are left to poll, want all 200", len(page.Events))
	}
	time.Sleep(time.Second)
	stop()
	a.updates()
	consumer.publish(messageKey, `2`)
	time.Sleep(time.Second)
	if n := a.updates(); n != 0 {
		t.Errorf("%d updates after they were no longer wanted", n)
	}
	a.ask(subscriptionURI(sub.SubscriptionID))
	a.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
	if again := decode[subscribeResult](t, a.tool("subscribe_event", key)); again.SubscriptionID != sub.SubscriptionID || again.Push.Mode != PushOff {
		t.Errorf("subscribed again, %s has push %s, as nobody asked for", again.SubscriptionID, again.Push.Mode)
	}
	a.updates()
	consumer.publish(messageKey, `3`)
	time.Sleep(time.Second)
	if n := a.updates(); n != 0 {
		t.Errorf("%d updates of a subscription that nobody asked to be told of", n)
	}
}

// eraClient sends the requests of one protocol era.
type eraClient struct {
	t      *testing.T
	peer   peer
	modern bool
	lastID int
}

// start sends a request and returns its id.
func (a *eraClient) start(method string, params map[string]any) (id string) {
	a.lastID++
	if a.modern {
		params["_meta"] = json.RawMessage(modernMeta)
	}
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": a.lastID, "method": method, "params": params})
	if err != nil {
		a.t.Fatal(err)
	}
	a.peer.send(string(text))
	return fmt.Sprint(a.lastID)
}

// result sends a request, which must succeed.
func (a *eraClient) result(method string, params map[string]any) json.RawMessage {
	a.t.Helper()
	answer := decode[rpc](a.t, a.peer.reply(a.start(method, params)))
	if answer.Error != nil {
		a.t.Fatalf("%s: %+v", method, answer.Error)
	}
	return answer.Result
}

func (a *eraClient) tool(name string, args any) json.RawMessage {
	a.t.Helper()
	return decode[toolAnswer](a.t, a.result("tools/call", toolCall(name, args))).StructuredContent
}

// ask asks for the updates of a resource. It returns when that is so; stop, when it is not any more.
func (a *eraClient) ask(uri string) (stop func()) {
	if !a.modern {
		a.result("resources/subscribe", map[string]any{"uri": uri})
		return func() { a.result("resources/unsubscribe", map[string]any{"uri": uri}) }
	}
	id := a.start("subscriptions/listen", map[string]any{"notifications": map[string]any{"resourceSubscriptions": []string{uri}}})
	synctest.Wait()
	return func() {
		a.peer.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
		synctest.Wait()
	}
}

// updates counts those that have come since.
func (a *eraClient) updates() (n int) {
	synctest.Wait()
	for {
		note, there := a.peer.unread()
		if !there {
			return n
		}
		if strings.Contains(string(note), `"`+updatedMethod+`"`) {
			n++
		}
	}
}

// A client that lost its stream opens another, often before the server knows. What the lost one swallowed is told again.
func TestAnotherListenStreamIsToldOfWhatIsUnread(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		listen := func() string {
			return c.start("subscriptions/listen", map[string]any{"_meta": json.RawMessage(modernMeta),
				"notifications": map[string]any{"resourceSubscriptions": []string{subscriptionURI(sub.SubscriptionID)}}})
		}
		lost := listen()
		synctest.Wait()
		consumer.publish(messageKey, `1`)
		synctest.Wait()
		if n := len(c.drainNotes(updatedMethod)); n != 1 {
			t.Fatalf("%d updates of an event, want 1", n)
		}
		for _, first := range []string{"open", "closed"} {
			if first == "closed" {
				c.cancel(lost)
			}
			listen()
			time.Sleep(time.Minute)
			if notes := c.peekNotes(); len(notes) != 2 || !strings.Contains(notes[0], "acknowledged") || !strings.Contains(notes[1], updatedMethod) {
				t.Errorf("with the first stream %s, another one is told %v", first, notes)
			}
			c.drainNotes("")
		}
		c.poll(nil)
		listen()
		time.Sleep(time.Minute)
		if n := len(c.drainNotes(updatedMethod)); n != 0 {
			t.Errorf("%d updates of what was read", n)
		}
		c.end()
	})
}

func TestAListenStreamHasItsIDAsTheClientWroteIt(t *testing.T) {
	const id = "12345678901234567890" // more digits than a float64 has
	c := serve(t, newFakeConsumer()).listen().initialize()
	c.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"subscriptions/listen","params":{"notifications":{},"_meta":` + modernMeta + `}}`)
	for what, text := range map[string]json.RawMessage{"acknowledgement": c.note(), "result": c.reply(id)} {
		if want := `"` + mcpgo.MetaKeySubscriptionID + `":` + id; !strings.Contains(string(text), want) {
			t.Errorf("the %s is %s, without %s", what, text, want)
		}
	}
	c.end()
}

// Streams are open for as long as their clients like, and do not count as requests that are being answered.
func TestAnyNumberOfListenStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFakeConsumer()).listen().initialize()
		for range maxRequests + 1 {
			c.start("subscriptions/listen", map[string]any{
				"notifications": map[string]any{"resourcesListChanged": true}, "_meta": json.RawMessage(modernMeta)})
			c.note()
		}
		c.must("ping", nil)
		c.end()
	})
}
