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
// params and the same events.
func TestCallsOfADigestAreGood(t *testing.T) {
	registerKeys(t, messageDefinition(), reactionDefinition())
	c := serve(t, newFakeConsumer()).listen().initialize()
	first := c.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": "p2p"}, "filter": `.text, "a" | . == "x"`})
	c.subscribe(map[string]any{"key": reactionKey})
	got := decode[struct {
		Messages []struct{ Content struct{ Text string } }
	}](t, c.request("prompts/get", map[string]any{"name": "digest", "arguments": map[string]any{"since": "2h"}}).Result)
	_, rest, _ := strings.Cut(got.Messages[0].Content.Text, "Call subscribe_event with ")
	rest, _, _ = strings.Cut(rest, ". Then poll_events")
	calls := strings.Split(rest, ", and with ")
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
		if _, err := consume.CompileFilter(args["filter"].(string), def); err != nil {
			t.Errorf("call %s: %v", call, err)
		}
	}
	c.end()
}
