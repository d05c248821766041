package mcp

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"
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
				c.end()
			})
		})
	}
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
