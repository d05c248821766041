//go:build unix

package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// badCall is a tool call that must be refused.
type badCall struct {
	name string
	tool string
	args map[string]any
	code eventcore.Code
	// says is part of the message, param what the error names as the argument at fault.
	says, param string
}

func TestBadArgumentsAreRefusedWithWhatToDo(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	with := func(params map[string]any) map[string]any {
		return map[string]any{"key": messageKey, "params": params}
	}
	filter := func(text string) map[string]any { return map[string]any{"key": messageKey, "filter": text} }
	for _, call := range []badCall{
		{"unknown key", "subscribe_event", map[string]any{"key": "im.message.recieve_v1"}, "unknown_key", "im.message.recieve_v1", ""},
		{"unknown key described", "describe_event_key", map[string]any{"key": "im.message.receive"}, "unknown_key", `"im.message.receive"`, ""},
		{"unknown param", "subscribe_event", with(map[string]any{"chat": "oc_1"}), "invalid_params", "chat", "chat"},
		{"missing param", "subscribe_event", map[string]any{"key": "event.any"}, "invalid_params", "required", "event_type"},
		{"param of the wrong type", "subscribe_event", with(map[string]any{"mentions_me": 3}), "invalid_params", "true or false", "mentions_me"},
		{"param not among the values", "subscribe_event", with(map[string]any{"chat_type": "channel"}), "invalid_params", "channel", "chat_type"},
		{"one of many not among the values", "subscribe_event", with(map[string]any{"message_type": []string{"text", "smell"}}), "invalid_params", "smell", "message_type"},
		{"param that is no id", "subscribe_event", with(map[string]any{"chat_id": "Engineering"}), "invalid_params", "oc_", "chat_id"},
		{"params that are no object", "subscribe_event", map[string]any{"key": messageKey, "params": "p2p"}, "invalid_params", "object", "params"},
		{"unknown argument", "poll_events", map[string]any{"wait": 5}, "invalid_params", "wait", "wait"},
		{"missing argument", "subscribe_event", nil, "invalid_params", "required", "key"},
		{"argument out of range", "poll_events", map[string]any{"wait_seconds": 51}, "invalid_params", "50", "wait_seconds"},
		{"argument of the wrong type", "poll_events", map[string]any{"max_events": "ten"}, "invalid_params", "whole number", "max_events"},
		{"push mode that is switched off", "subscribe_event", map[string]any{"key": messageKey, "push": "channel"}, "invalid_params", "--push auto", "push"},
		{"filter that is no jq", "subscribe_event", filter(`.content |`), "invalid_filter", "jq", ""},
		{"filter with an unknown function", "subscribe_event", filter(`.content | contians("x")`), "invalid_filter", "contians", ""},
		{"filter that does not end", "subscribe_event", filter(`last(repeat(1))`), "invalid_filter", "did not end", ""},
		{"filter that is too long", "subscribe_event", filter(`.content == "` + strings.Repeat("x", 5000) + `"`), "invalid_filter", "bytes", ""},
		{"filter that is much too long", "subscribe_event", filter(`.content == "` + strings.Repeat("x", 20000) + `"`), "invalid_filter", "at most 4096", ""},
		{"unknown subscription polled", "poll_events", map[string]any{"subscription_id": "snope"}, "unknown_subscription", "snope", ""},
		{"unknown subscription ended", "unsubscribe_event", map[string]any{"subscription_id": "snope"}, "unknown_subscription", "snope", ""},
		{"cursor that is none", "poll_events", map[string]any{"cursor": "yesterday"}, "invalid_cursor", "yesterday", ""},
		{"cursor that is broken", "poll_events", map[string]any{"cursor": "_AAAA"}, "invalid_cursor", "_AAAA", ""},
		{"start that is none", "subscribe_event", map[string]any{"key": messageKey, "from": "yesterday"}, "invalid_cursor", "yesterday", ""},
	} {
		t.Run(call.name, func(t *testing.T) {
			defer a.within(t)()
			e := a.refused(call.tool, call.args)
			if e.Code != call.code || !strings.Contains(e.Message, call.says) || e.Param != call.param {
				t.Errorf("refused with %+v, want %s, a message with %q, and param %q", e, call.code, call.says, call.param)
			}
			if call.code == "unknown_key" && !slices.Contains(e.Suggestions, messageKey) {
				t.Errorf("suggested are %v, want %s among them", e.Suggestions, messageKey)
			}
			if strings.Contains(call.name, "not among the values") && len(e.Allowed) == 0 {
				t.Error("it does not list the values")
			}
			for _, value := range e.Allowed {
				if value.Value == "" || value.Desc == "" {
					t.Errorf("allowed is %+v, want value and description", value)
				}
			}
		})
	}
	w.send("still here")
	a.mustRead("still here")
}

// A cursor of another journal is no mistake of the model's: it is told that it missed something.
func TestAForeignCursorReadsFromTheOldest(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	w.send("one")
	w.send("two")
	foreign := eventcore.Cursor{Journal: "another", After: 7}.String()
	got := a.poll(map[string]any{"cursor": foreign})
	if !got.Truncated || !slices.Equal(contents(got.Events), []string{"one", "two"}) {
		t.Errorf("read %v, truncated: %v, want all and true", contents(got.Events), got.Truncated)
	}
	if next := a.poll(map[string]any{"cursor": got.Cursor}); next.Truncated || len(next.Events) != 0 {
		t.Errorf("behind that: %+v", next)
	}
	late := w.agent(legacyEra)
	late.listen(messageKey, map[string]any{"from": foreign})
	if got := late.poll(nil); !got.Truncated || !slices.Equal(contents(got.Events), []string{"one", "two"}) {
		t.Errorf("from a foreign cursor: %v, truncated: %v, want all and true", contents(got.Events), got.Truncated)
	}
}

func TestTooManySubscriptions(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	var calls []string
	for n := range 150 {
		calls = append(calls, a.beginTool("subscribe_event", map[string]any{"key": messageKey, "filter": fmt.Sprintf(`.content == "%d"`, n)}))
	}
	made, refused := 1, 0
	for _, call := range calls {
		result := a.awaitTool(call)
		if !result.IsError {
			made++
			continue
		}
		refused++
		if e := decode[struct{ Error eventcore.Error }](t, string(result.StructuredContent)).Error; e.Code != "limit_reached" || e.Hint == "" {
			t.Errorf("refused with %+v", e)
		}
	}
	if n := len(a.status().Subscriptions); made != 100 || refused != 51 || n != made {
		t.Errorf("%d subscriptions made, %d refused, %d there, want 100, 51, 100", made, refused, n)
	}
	if again := a.listen(messageKey); again.SubscriptionID == "" {
		t.Error("what is there cannot be asked for again")
	}
}

func TestAMissingScopeIsNamed(t *testing.T) {
	w := newWorld(t)
	w.platform.Deny(http.MethodGet, "/open-apis/bot/v3/info", "application:bot.info:readonly")
	a := w.agent(legacyEra)
	e := a.refused("subscribe_event", map[string]any{"key": messageKey, "params": map[string]any{"mentions_me": true}})
	if e.Code != "permission_denied" || !slices.Contains(e.Scopes, "application:bot.info:readonly") || !strings.Contains(e.Hint, "console") {
		t.Errorf("refused with %+v", e)
	}
}

func TestASingleConsumerKeyTakesOneConsumer(t *testing.T) {
	const key = "card.action.trigger"
	w := newWorld(t)
	first, second := w.agent(legacyEra), w.agent(legacyEra)
	described := decode[struct {
		SingleConsumer bool `json:"single_consumer"`
	}](t, first.tool("describe_event_key", map[string]any{"key": key}))
	if !described.SingleConsumer {
		t.Errorf("%s is not described as taking one consumer", key)
	}
	held := first.listen(key)
	if e := second.refused("subscribe_event", map[string]any{"key": key}); e.Code != "single_consumer" || !strings.Contains(e.Message, key) {
		t.Errorf("refused with %+v", e)
	}
	first.tool("unsubscribe_event", map[string]any{"subscription_id": held.SubscriptionID})
	second.listen(key) // once it is free
}
