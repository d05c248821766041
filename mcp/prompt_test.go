package mcp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// What a person reads of the prompts, kept so that a change of it is seen. What they say to the model is in
// testdata/prompts.transcript.
func TestPromptDefinitionsAreAsKept(t *testing.T) {
	c := serve(t, newFakeConsumer()).listen().initialize()
	var got bytes.Buffer
	if err := json.Indent(&got, c.request("prompts/list", nil).Result, "", "  "); err != nil {
		t.Fatal(err)
	}
	c.end()
	compareGolden(t, "testdata/prompts.json", got.String()+"\n")
}

// The calls that a digest names are good ones: they make subscriptions beside those that are there, with the same
// params and the same events; where a key takes one subscription only, they read that again.
func TestCallsOfADigestAreGood(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition(), singleDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	first := c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": "p2p"}, "filter": `.text, "a" | . == "x"`})
	c.subscribe(map[string]any{"key": reactionKey})
	single := c.subscribe(map[string]any{"key": singleKey, "filter": "drop"})
	consumer.publish(singleKey, `"read before"`, `"drop"`, `"unread"`)
	c.poll(map[string]any{"subscription_id": single.SubscriptionID, "max_events": 1})

	text := c.digest(map[string]any{"since": "2h"})
	calls := callsIn(text, "subscribe_event")
	if len(calls) != 2 {
		t.Fatalf("calls %q", calls)
	}
	for _, call := range calls {
		args := decode[map[string]any](t, json.RawMessage(call))
		if args["from"] != "2h" || args["push"] != "off" {
			t.Errorf("call %s", call)
		}
		args["from"] = "earliest" // the fake journal knows no ages
		sub := c.subscribe(args)
		if sub.SubscriptionID == first.SubscriptionID || len(sub.Warnings) > 0 {
			t.Errorf("call %s: %+v", call, sub)
		}
		def, _ := eventcore.Lookup(args["key"].(string))
		if _, err := consume.CompileFilter(t.Context(), args["filter"].(string), def, nil); err != nil {
			t.Errorf("call %s: %v", call, err)
		}
	}
	again := callsIn(text, "poll_events")
	if len(again) != 1 {
		t.Fatalf("calls %q", again)
	}
	page := c.poll(decode[map[string]any](t, json.RawMessage(again[0])))
	if len(page.Events) != 2 || page.Events[0].SubscriptionID != single.SubscriptionID {
		t.Errorf("call %s: %+v", again[0], page.Events)
	}
	c.end()
}

// The digest of a key that takes one subscription only uses the one that is there, whatever it is asked by.
func TestDigestLeavesTheOnlySubscriptionOfAKeyAlone(t *testing.T) {
	registerKeys(t, singleDefinition())
	consumer := newFakeConsumer()
	c := serve(t, consumer).listen().initialize()
	if calls := callsIn(c.digest(map[string]any{"since": "2h", "key": singleKey}), "subscribe_event"); len(calls) != 1 {
		t.Errorf("not subscribed to yet: calls %q", calls)
	}
	single := c.subscribe(map[string]any{"key": singleKey})
	consumer.publish(singleKey, `1`, `2`, `3`)
	second := c.poll(map[string]any{"max_events": 2}).Cursor
	tests := map[string]struct {
		args map[string]any
		want int // events
	}{
		"the key and an age":          {map[string]any{"since": "2h", "key": singleKey}, 3},
		"the subscription and an age": {map[string]any{"since": "2h", "subscription_id": single.SubscriptionID}, 3},
		"the key and a cursor":        {map[string]any{"since": second, "key": singleKey}, 1},
	}
	for name, test := range tests {
		text := c.digest(test.args)
		calls := callsIn(text, "poll_events")
		if len(calls) != 1 || strings.Contains(text, "subscribe_event") {
			t.Fatalf("%s: %s", name, text)
		}
		if page := c.poll(decode[map[string]any](t, json.RawMessage(calls[0]))); len(page.Events) != test.want {
			t.Errorf("%s: call %s brings %v, want %d", name, calls[0], ids(page), test.want)
		}
	}
	c.end()
}

const singleKey = "test.card.action"

func singleDefinition() eventcore.KeyDefinition {
	def := reactionDefinition()
	def.Key, def.EventType, def.SingleConsumer = singleKey, singleKey, true
	return def
}

// digest returns what the prompt asks the model.
func (c *client) digest(args map[string]any) string {
	c.t.Helper()
	got := decode[struct {
		Messages []struct{ Content struct{ Text string } }
	}](c.t, c.request("prompts/get", map[string]any{"name": "digest", "arguments": args}).Result)
	return got.Messages[0].Content.Text
}

// callsIn returns the arguments of the calls to a tool that a digest names, each JSON.
func callsIn(text, tool string) []string {
	_, rest, found := strings.Cut(text, "Call "+tool+" with ")
	if !found {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "}. ")
	return strings.Split(rest+"}", ", and with ")
}
