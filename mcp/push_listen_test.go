package mcp

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// The two protocol eras have two ways to ask for the updates of a resource. What comes of them is the same.
func TestUpdatesOfASubscriptionAreTheSameInBothEras(t *testing.T) {
	registerKeys(t, messageDefinition())
	for name, ask := range map[string]func(c *client, uri string) (stop func()){
		"resources/subscribe": func(c *client, uri string) func() {
			c.must("resources/subscribe", map[string]any{"uri": uri})
			return func() { c.must("resources/unsubscribe", map[string]any{"uri": uri}) }
		},
		"subscriptions/listen": func(c *client, uri string) func() {
			id := c.start("subscriptions/listen", map[string]any{
				"notifications": map[string]any{"resourceSubscriptions": []string{uri}}, "_meta": json.RawMessage(modernMeta)})
			return func() { c.cancel(id) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				consumer := newFakeConsumer()
				c := serve(t, consumer).listen().initialize()
				sub := c.subscribe(map[string]any{"key": messageKey})
				uri := subscriptionURI(sub.SubscriptionID)
				stop := ask(c, uri)
				synctest.Wait()
				c.drainNotes(updatedMethod)
				for range 200 { // two seconds
					consumer.publish(messageKey, `1`)
					time.Sleep(10 * time.Millisecond)
				}
				if n := len(c.drainNotes(updatedMethod)); n < 7 || n > 9 {
					t.Errorf("%d updates in two seconds, want 8", n)
				}
				if page := c.poll(map[string]any{"max_events": 200}); len(page.Events) != 200 {
					t.Errorf("%d events are left to poll, want all 200", len(page.Events))
				}
				time.Sleep(time.Second)
				stop()
				synctest.Wait()
				c.drainNotes(updatedMethod)
				consumer.publish(messageKey, `2`)
				time.Sleep(time.Second)
				if n := len(c.drainNotes(updatedMethod)); n != 0 {
					t.Errorf("%d updates after they were no longer wanted", n)
				}
				ask(c, uri)
				synctest.Wait()
				c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
				if again := c.subscribe(map[string]any{"key": messageKey}); again.SubscriptionID != sub.SubscriptionID || again.Push.Mode != PushOff {
					t.Errorf("subscribed again, %s has push %s, as nobody asked for", again.SubscriptionID, again.Push.Mode)
				}
				c.drainNotes(updatedMethod)
				consumer.publish(messageKey, `3`)
				time.Sleep(time.Second)
				if n := len(c.drainNotes(updatedMethod)); n != 0 {
					t.Errorf("%d updates of a subscription that nobody asked to be told of", n)
				}
				c.end()
			})
		})
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
