package mcp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// drainNotes returns the notifications of one method that have come so far.
func (c *client) drainNotes(method string) []string {
	var found []string
	for {
		select {
		case note := <-c.notes:
			if strings.Contains(string(note), `"`+method+`"`) {
				found = append(found, string(note))
			}
		default:
			return found
		}
	}
}

const updatedMethod = "notifications/resources/updated"

func TestResourceUpdatesAreAtMostFourASecondAndTheLastIsTold(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		uri := "lark-event://subscriptions/" + sub.SubscriptionID
		c.request("resources/subscribe", map[string]any{"uri": uri})
		for range 300 { // three seconds of a hundred events each
			consumer.publish(messageKey, `1`)
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(c.drainNotes(updatedMethod)); n < 11 || n > 13 {
			t.Errorf("%d updates in three seconds, want 12", n)
		}
		time.Sleep(time.Second)
		c.drainNotes(updatedMethod)

		consumer.publish(messageKey, `1`)
		synctest.Wait()
		consumer.publish(messageKey, `2`) // within the pause: told after it
		synctest.Wait()
		if n := len(c.drainNotes(updatedMethod)); n != 1 {
			t.Errorf("%d updates at once, want 1", n)
		}
		time.Sleep(updateInterval)
		synctest.Wait()
		if n := len(c.drainNotes(updatedMethod)); n != 1 {
			t.Errorf("%d updates after the pause, want 1", n)
		}
		time.Sleep(time.Minute)
		if n := len(c.drainNotes(updatedMethod)); n != 0 {
			t.Errorf("%d updates without an event", n)
		}
		c.end()
	})
}

func TestPushEndsWithWhatAskedForIt(t *testing.T) {
	registerKeys(t, messageDefinition())
	tests := map[string]func(c *client, sub subscribeResult){
		"resources/unsubscribe": func(c *client, sub subscribeResult) {
			c.request("resources/unsubscribe", map[string]any{"uri": "lark-event://subscriptions/" + sub.SubscriptionID})
		},
		"unsubscribe_event": func(c *client, sub subscribeResult) {
			c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		},
		"push off": func(c *client, _ subscribeResult) {
			c.subscribe(map[string]any{"key": messageKey, "push": "off"})
		},
	}
	for name, stop := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				consumer := newFakeConsumer()
				c := serve(t, consumer).listen().initialize()
				sub := c.subscribe(map[string]any{"key": messageKey})
				c.request("resources/subscribe", map[string]any{"uri": "lark-event://subscriptions/" + sub.SubscriptionID})
				consumer.publish(messageKey, `1`)
				synctest.Wait()
				stop(c, sub)
				if n := len(c.drainNotes(updatedMethod)); n != 1 {
					t.Errorf("%d updates before, want 1", n)
				}
				reads := consumer.count()
				consumer.publish(messageKey, `2`)
				time.Sleep(time.Minute)
				if n := len(c.drainNotes(updatedMethod)); n != 0 || consumer.count() != reads {
					t.Errorf("%d updates and %d reads after it ended", n, consumer.count()-reads)
				}
				c.end()
			})
		})
	}
}

func TestPushSurvivesFailures(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		sub := c.subscribe(map[string]any{"key": messageKey})
		consumer.change(func(f *fakeConsumer) { f.readErr = errors.New("the bus has gone") })
		c.request("resources/subscribe", map[string]any{"uri": "lark-event://subscriptions/" + sub.SubscriptionID})
		consumer.publish(messageKey, `1`)
		time.Sleep(2 * time.Minute)
		if reads := consumer.count(); reads < 10 || reads > 25 {
			t.Errorf("%d tries in two minutes, want one every ten seconds and a few more at first", reads)
		}
		consumer.change(func(f *fakeConsumer) { f.readErr = nil })
		time.Sleep(maxPushBackoff)
		synctest.Wait()
		if n := len(c.drainNotes(updatedMethod)); n != 1 {
			t.Errorf("%d updates once the bus is back, want 1", n)
		}
		c.end()
	})
}

func TestPushBeginsWithWhatIsUnread(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, `"read"`)
		c.poll(nil)
		consumer.publish(messageKey, `"unread"`)
		c.request("logging/setLevel", map[string]any{"level": "info"})
		synctest.Wait()
		notes := c.drainNotes("notifications/message")
		if len(notes) != 1 || !strings.Contains(notes[0], `"unread"`) {
			t.Errorf("pushed %v, want the unread event", notes)
		}
		c.end()
	})
}

func TestPushModesOfTheServer(t *testing.T) {
	registerKeys(t, messageDefinition())
	// What each client gets for one event, by the mode of the server: a client that subscribed to the resource
	// and set a log level, one that did only the latter, one that did neither.
	tests := []struct {
		server               PushMode
		both, level, neither string
	}{
		{PushAuto, updatedMethod, "notifications/message", ""},
		{PushResource, updatedMethod, "", ""},
		{PushLog, "notifications/message", "notifications/message", ""},
		{PushChannel, channelMethod, channelMethod, channelMethod},
		{PushOff, "", "", ""},
	}
	for _, test := range tests {
		for kind, want := range map[string]string{"both": test.both, "level": test.level, "neither": test.neither} {
			t.Run(fmt.Sprintf("%s/%s", test.server, kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					consumer := newFakeConsumer()
					c := serve(t, consumer, func(o *Options) { o.Push, o.AllowSenders = test.server, []string{AllowAnyone} }).listen().initialize()
					sub := c.subscribe(map[string]any{"key": messageKey})
					if kind != "neither" {
						c.request("logging/setLevel", map[string]any{"level": "info"})
					}
					if kind == "both" {
						c.request("resources/subscribe", map[string]any{"uri": "lark-event://subscriptions/" + sub.SubscriptionID})
					}
					synctest.Wait()
					c.drainNotes("")
					consumer.publish(messageKey, `1`)
					synctest.Wait()
					got := map[string]int{}
					for _, method := range []string{updatedMethod, "notifications/message", channelMethod} {
						for _, note := range c.peekNotes() {
							if strings.Contains(note, `"method":"`+method+`"`) {
								got[method]++
							}
						}
					}
					wanted := map[string]int{}
					if want != "" {
						wanted[want] = 1
					}
					if fmt.Sprint(got) != fmt.Sprint(wanted) {
						t.Errorf("got %v, want %v", got, wanted)
					}
					c.end()
				})
			})
		}
	}
}

// peekNotes returns the notifications that have come, and leaves them.
func (c *client) peekNotes() []string {
	var found []string
	for range len(c.notes) {
		note := <-c.notes
		found = append(found, string(note))
		c.notes <- note
	}
	return found
}

func TestLogIsNotPushedAboveTheClientsLevel(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer).listen().initialize()
		c.request("logging/setLevel", map[string]any{"level": "warning"})
		c.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, `1`)
		time.Sleep(time.Minute)
		if notes := c.drainNotes("notifications/message"); len(notes) != 0 {
			t.Errorf("pushed %v", notes)
		}
		c.end()
	})
}

func TestChannelIsDeclaredOnlyIfSwitchedOn(t *testing.T) {
	for _, mode := range []PushMode{PushAuto, PushResource, PushLog, PushOff, PushChannel} {
		c := serve(t, newFakeConsumer(), func(o *Options) { o.Push = mode }).listen()
		result := c.request("initialize", map[string]any{"protocolVersion": "2025-06-18"}).Result
		if declared := strings.Contains(string(result), `"experimental":{"claude/channel":{}}`); declared != (mode == PushChannel) {
			t.Errorf("--push %s: declared %v", mode, declared)
		}
		c.end()
	}
}

func TestParsePushMode(t *testing.T) {
	if mode, err := ParsePushMode(""); mode != PushAuto || err != nil {
		t.Errorf("empty is %q, %v", mode, err)
	}
	if mode, err := ParsePushMode("channel"); mode != PushChannel || err != nil {
		t.Errorf("channel is %q, %v", mode, err)
	}
	if _, err := ParsePushMode("mail"); err == nil || !strings.Contains(err.Error(), "auto, resource, log, channel, off") {
		t.Errorf("mail: %v", err)
	}
}
