package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// byAda is a payload that Ada caused.
func byAda(text string) string { return fmt.Sprintf(`{"sender_id":"ou_ada","content":%q}`, text) }

func toAda(o *Options) { o.Push, o.AllowSenders = PushChannel, []string{"ou_ada"} }

// told returns the channel messages that have come, after everything that is under way.
func (c *client) told() []channelParams {
	c.t.Helper()
	synctest.Wait()
	var found []channelParams
	for _, note := range c.drainNotes(channelMethod) {
		found = append(found, decode[struct{ Params channelParams }](c.t, json.RawMessage(note)).Params)
	}
	return found
}

// inChannel runs a test on a server that Ada may wake an agent through.
func inChannel(t *testing.T, test func(c *client, consumer *fakeConsumer)) {
	t.Helper()
	registerKeys(t, messageDefinition(), reactionDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer, toAda).listen().initialize()
		test(c, consumer)
		if err := c.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestChannelTellsAtMostOnceASecond(t *testing.T) {
	inChannel(t, func(c *client, consumer *fakeConsumer) {
		c.subscribe(map[string]any{"key": messageKey})
		events := 0
		for range 50 { // five seconds
			for range 20 {
				events++
				consumer.publish(messageKey, byAda(fmt.Sprint(events)))
			}
			time.Sleep(channelInterval / 10)
		}
		time.Sleep(channelInterval)
		messages := c.told()
		if len(messages) < 5 || len(messages) > 6 {
			t.Errorf("%d messages in five seconds, want 5 or 6", len(messages))
		}
		count := 0
		for _, m := range messages {
			n := 1
			if m.Meta["count"] != "" {
				fmt.Sscan(m.Meta["count"], &n)
			}
			count += n
		}
		if count != events {
			t.Errorf("told of %d events, want %d, each once", count, events)
		}
		time.Sleep(time.Hour)
		if more := c.told(); len(more) != 0 {
			t.Errorf("told again: %v", more)
		}
	})
}

func TestCursorOfAMergedMessageReadsTheRest(t *testing.T) {
	inChannel(t, func(c *client, consumer *fakeConsumer) {
		c.subscribe(map[string]any{"key": messageKey})
		var events []string
		for i := range 450 { // more than a page
			events = append(events, byAda(fmt.Sprint("event ", i)))
		}
		consumer.publish(messageKey, events...)
		messages := c.told()
		if len(messages) != 1 || messages[0].Meta["count"] != "450" {
			t.Fatalf("told %+v", messages)
		}
		if !strings.Contains(messages[0].Content, "445 more") || !strings.Contains(messages[0].Content, messages[0].Meta["cursor"]) {
			t.Errorf("content: %s", messages[0].Content)
		}
		page := c.poll(map[string]any{"cursor": messages[0].Meta["cursor"], "max_events": 1})
		if len(page.Events) != 1 || page.Events[0].EventID != "e6" {
			t.Errorf("the cursor leads to %v, want the sixth event", ids(page))
		}
	})
}

func TestEventOfTwoSubscriptionsIsToldOnce(t *testing.T) {
	inChannel(t, func(c *client, consumer *fakeConsumer) {
		for _, kind := range []string{"group", "p2p"} {
			c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": kind}})
			synctest.Wait() // until the channel has it
		}
		consumer.publish(messageKey, byAda("hello"))
		messages := c.told()
		if len(messages) != 1 || messages[0].Meta["subscription_id"] != "sub_1,sub_2" || !strings.Contains(messages[0].Content, "sub_1, sub_2") {
			t.Errorf("told %+v", messages)
		}
		// a third one, of what was there before, has nothing new
		c.subscribe(map[string]any{"key": messageKey, "from": "earliest"})
		time.Sleep(time.Minute)
		if more := c.told(); len(more) != 0 {
			t.Errorf("told again: %+v", more)
		}
	})
}

func TestEventIsNotToldAgainWhenTheJournalIsReadAgain(t *testing.T) {
	changes := map[string]func(f *fakeConsumer){
		// Its cursors mean nothing in the new journal, which is read from its beginning.
		"another journal with the same events": func(f *fakeConsumer) {
			f.journal = "j2"
			for i := range f.events {
				f.events[i].Cursor.Journal = "j2"
			}
			f.rewind = true
		},
		"the bus has gone for a while": func(f *fakeConsumer) { f.readErr = errors.New("the bus has gone") },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			inChannel(t, func(c *client, consumer *fakeConsumer) {
				c.subscribe(map[string]any{"key": messageKey})
				consumer.publish(messageKey, byAda("one"), byAda("two"))
				if n := len(c.told()); n != 1 {
					t.Errorf("%d messages", n)
				}
				consumer.change(change)
				consumer.more.fire()
				time.Sleep(time.Minute)
				consumer.change(func(f *fakeConsumer) { f.readErr = nil })
				time.Sleep(time.Minute)
				consumer.publish(messageKey, byAda("three"))
				messages := c.told()
				if len(messages) != 1 || messages[0].Meta["event_id"] != "e3" {
					t.Errorf("told %+v, want only the third event", messages)
				}
			})
		})
	}
}

func TestOnlyThoseWhoMayWakeTheAgent(t *testing.T) {
	inChannel(t, func(c *client, consumer *fakeConsumer) {
		sub := c.subscribe(map[string]any{"key": messageKey, "push": "channel"})
		consumer.publish(messageKey, `{"sender_id":"ou_eve","content":"wake"}`, `{"content":"nobody"}`, `{"content":"ou_ada"}`)
		if messages := c.told(); len(messages) != 0 {
			t.Errorf("told %+v", messages)
		}
		if again := c.subscribe(map[string]any{"key": messageKey}); again.Push.Mode != PushChannel || !strings.Contains(again.Push.Detail, "3 were only to be polled") {
			t.Errorf("push: %+v", again.Push)
		}
		if page := c.poll(map[string]any{"subscription_id": sub.SubscriptionID}); len(page.Events) != 3 {
			t.Errorf("polled %v, want all", ids(page))
		}
	})
}

func TestNobodyMayWakeTheAgentWithoutLists(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer, func(o *Options) { o.Push = PushChannel }).listen().initialize()
		c.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, byAda("hello"))
		if messages := c.told(); len(messages) != 0 {
			t.Errorf("told %+v", messages)
		}
		c.end()
	})
}

func TestClientsWithoutInitializeGetNoChannelMessages(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer, toAda).listen()
		c.request("tools/call", map[string]any{"name": "subscribe_event", "arguments": map[string]any{"key": messageKey}, "_meta": map[string]any{
			"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{},
		}})
		consumer.publish(messageKey, byAda("hello"))
		time.Sleep(time.Minute)
		if messages := c.told(); len(messages) != 0 {
			t.Errorf("told %+v", messages)
		}
		c.end()
	})
}

func TestChannelEndsAndBeginsWithTheSubscription(t *testing.T) {
	inChannel(t, func(c *client, consumer *fakeConsumer) {
		sub := c.subscribe(map[string]any{"key": messageKey})
		other := c.subscribe(map[string]any{"key": reactionKey})
		consumer.publish(messageKey, byAda("one"))
		if n := len(c.told()); n != 1 {
			t.Errorf("%d messages", n)
		}
		c.subscribe(map[string]any{"key": messageKey, "push": "off"})
		consumer.publish(messageKey, byAda("while it is off"))
		time.Sleep(time.Minute)
		if messages := c.told(); len(messages) != 0 {
			t.Errorf("told while it is off: %+v", messages)
		}
		// On again: what is unread and was not told.
		c.subscribe(map[string]any{"key": messageKey, "push": "channel"})
		if messages := c.told(); len(messages) != 1 || messages[0].Meta["event_id"] != "e2" {
			t.Errorf("told %+v", messages)
		}
		// To another way and back: nothing twice.
		c.request("logging/setLevel", map[string]any{"level": "info"})
		c.subscribe(map[string]any{"key": messageKey, "push": "log"})
		consumer.publish(messageKey, byAda("in the log"))
		synctest.Wait()
		c.subscribe(map[string]any{"key": messageKey, "push": "channel"})
		time.Sleep(time.Minute)
		if logs := len(c.drainNotes("e3")); logs != 1 {
			t.Errorf("the third event was told %d times", logs)
		}
		c.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID})
		synctest.Wait()
		consumer.publish(messageKey, byAda("too late"))
		consumer.publish(reactionKey, byAda("OK"))
		time.Sleep(time.Minute)
		if messages := c.told(); len(messages) != 1 || messages[0].Meta["subscription_id"] != other.SubscriptionID {
			t.Errorf("told %+v", messages)
		}
	})
}

// A client that does not read is told, when it does, of what has come meanwhile; each event once.
func TestChannelWaitsForAClientThatDoesNotRead(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer, toAda)
		c.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
		c.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"subscribe_event","arguments":{"key":"` + messageKey + `"}}}`)
		synctest.Wait()
		for range 300 {
			consumer.publish(messageKey, byAda("x"))
			time.Sleep(time.Second)
		}
		if reads := consumer.count(); reads > 100 {
			t.Errorf("%d reads for a client that does not read", reads)
		}
		// A change meanwhile does not get stuck behind it.
		c.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"subscribe_event","arguments":{"key":"` + messageKey + `","push":"off"}}}`)
		synctest.Wait()
		c.send(`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"subscribe_event","arguments":{"key":"` + messageKey + `","push":"channel"}}}`)
		synctest.Wait()
		c.listen()
		count := 0
		for range 10 {
			time.Sleep(time.Minute)
			for _, m := range c.told() {
				n := 1
				if m.Meta["count"] != "" {
					fmt.Sscan(m.Meta["count"], &n)
				}
				count += n
			}
		}
		if count != 300 {
			t.Errorf("told of %d events, want 300", count)
		}
		c.end()
	})
}

func TestChannelTellsOfAnEventThatFailed(t *testing.T) {
	inChannel(t, func(c *client, consumer *fakeConsumer) {
		c.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, "!"+byAda("hello"))
		messages := c.told()
		if len(messages) != 1 || messages[0].Meta["error"] != string(eventcore.CodePlatformError) || !strings.Contains(messages[0].Content, "the lookup was refused") {
			t.Errorf("told %+v", messages)
		}
	})
}
