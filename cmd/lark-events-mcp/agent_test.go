//go:build unix

package main_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestAnAgentFindsSubscribesAndReceives(t *testing.T) {
	for _, e := range eras() {
		t.Run(string(e), func(t *testing.T) {
			w := newWorld(t)
			a := w.agent(e)

			found := a.tool("list_event_keys", map[string]any{"query": "someone writes a message"})
			if listed := decode[struct{ Keys []struct{ Key string } }](t, found); len(listed.Keys) == 0 || listed.Keys[0].Key != messageKey {
				t.Fatalf("the key searched for does not come first: %s", found)
			}
			described := a.tool("describe_event_key", map[string]any{"key": messageKey})
			for _, want := range []string{"payload_schema", "params_schema", "example", "im:message.p2p_msg:readonly", "one-to-one chats"} {
				if !strings.Contains(described, want) {
					t.Errorf("the description says nothing of %q: %s", want, described)
				}
			}
			if n := w.platform.Counts().Bootstraps; n != 0 {
				t.Errorf("looking at keys made %d connections", n)
			}
			sub := a.listen(messageKey)
			if sub.Key != messageKey || sub.Cursor == "" || sub.Source.State != "connected" || len(sub.Warnings) != 0 {
				t.Errorf("subscribed: %+v", sub)
			}
			again := a.listen(messageKey)
			if again.SubscriptionID != sub.SubscriptionID {
				t.Errorf("subscribing again made another subscription: %+v", again)
			}

			waiting := a.beginTool("poll_events", map[string]any{"subscription_id": sub.SubscriptionID, "wait_seconds": 50})
			sent := w.send("the build is green")
			got := decode[page](t, a.awaitResult(waiting))
			if !slices.Equal(contents(got.Events), []string{"the build is green"}) || got.HasMore || got.Truncated {
				t.Fatalf("polled %+v", got)
			}
			first := got.Events[0]
			if first.EventID != sent.EventID || first.Key != messageKey || first.EventType != messageKey || first.Error != nil ||
				first.SubscriptionID != sub.SubscriptionID || first.Time == "" || first.Cursor != got.Cursor {
				t.Errorf("the event is %+v on a page with cursor %s", first, got.Cursor)
			}

			status := a.status()
			if status.App.ID != w.platform.AppID() || status.App.Domain != w.platform.URL() || !status.Bus.Running ||
				status.Bus.Consumers != 1 || status.Source.State != "connected" || status.Journal.Events != 1 || len(status.Problems) != 0 {
				t.Errorf("status: %+v", status)
			}
			if s := status.Subscriptions; len(s) != 1 || s[0].Delivered != 1 || s[0].Behind != 0 || s[0].Filtered != 0 {
				t.Errorf("status of the subscription: %+v", s)
			}
			end := decode[unsubscribed](t, a.tool("unsubscribe_event", map[string]any{"subscription_id": sub.SubscriptionID}))
			if end.SubscriptionID != sub.SubscriptionID || end.Cleanup != "done" {
				t.Errorf("unsubscribed: %+v", end)
			}
			if e := a.refused("poll_events", nil); e.Code != "unknown_subscription" {
				t.Errorf("a poll after that: %+v", e)
			}
		})
	}
}

func TestTwoKeysInOneSession(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	messages, reactions := a.listen(messageKey), a.listen(reactionKey)

	sent := []string{
		w.send("one").EventID,
		w.sendEvent(larksim.Reaction(larksim.Chiyo, "om_1", "THUMBSUP")).EventID,
		w.send("two").EventID,
	}
	if got := ids(a.collect(3)); !slices.Equal(got, sent) {
		t.Errorf("polled together: %v, want the order of their arrival, %v", got, sent)
	}

	reaction := w.sendEvent(larksim.Reaction(larksim.Bruno, "om_2", "DONE")).EventID
	message := w.send("three").EventID
	for _, one := range []struct {
		sub  subscribed
		want string
	}{{messages, message}, {reactions, reaction}} {
		got := a.poll(map[string]any{"subscription_id": one.sub.SubscriptionID, "wait_seconds": 50})
		if !slices.Equal(ids(got.Events), []string{one.want}) {
			t.Errorf("polled alone, %s: %v, want %s", one.sub.Key, ids(got.Events), one.want)
		}
	}
	if got := a.poll(nil); len(got.Events) != 0 {
		t.Errorf("polled again: %v", ids(got.Events))
	}
}

func TestAPageIsReadAgainWithItsCursor(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	sub := a.listen(messageKey)
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		w.send(text)
	}
	two := func(cursor string) page {
		args := map[string]any{"max_events": 2, "wait_seconds": 50}
		if cursor != "" {
			args["cursor"] = cursor
		}
		return a.poll(args)
	}
	first := two("")
	second := two("")
	if got := append(contents(first.Events), contents(second.Events)...); !slices.Equal(got, []string{"1", "2", "3", "4"}) || !second.HasMore {
		t.Fatalf("two pages of two: %v, more: %v", got, second.HasMore)
	}
	for name, cursor := range map[string]string{
		"the subscription's first cursor": sub.Cursor, "the cursor before the page": first.Cursor, "an event's cursor": first.Events[1].Cursor,
	} {
		want := second
		if cursor == sub.Cursor {
			want = first
		}
		again := two(cursor)
		if text, wanted := mustEncode(t, again), mustEncode(t, want); text != wanted {
			t.Errorf("read again with %s:\n got %s\nwant %s", name, text, wanted)
		}
	}
	two(first.Cursor)
	if next := two(""); !slices.Equal(contents(next.Events), []string{"5"}) || next.HasMore {
		t.Errorf("a poll without cursor goes on with %v, want 5 and no more", contents(next.Events))
	}
	if s := a.status().Subscriptions; len(s) != 1 || s[0].Delivered != 5 {
		t.Errorf("what was read twice counts twice: %+v", s)
	}
}

func mustEncode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACancelledPollConsumesNothing(t *testing.T) {
	for _, e := range eras() {
		t.Run(string(e), func(t *testing.T) {
			w := newWorld(t)
			a := w.agent(e)
			a.listen(messageKey)
			waiting := a.beginTool("poll_events", map[string]any{"wait_seconds": 50})
			a.status() // the poll has been read by then
			a.cancel(waiting)
			a.status() // so has the cancellation
			w.send("for the next poll")
			a.mustRead("for the next poll")
			if answer, answered := a.answers[waiting]; answered && answer.Error == nil {
				t.Errorf("the cancelled poll was answered with a result: %s", answer.Result)
			}
			if s := a.status().Subscriptions; len(s) != 1 || s[0].Delivered != 1 {
				t.Errorf("delivered: %+v", s)
			}
		})
	}
}

func TestAFilterDropsEvents(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	sub := a.listen(messageKey, map[string]any{
		"filter": `.content | test("deploy")`, "params": map[string]any{"chat_type": "group"},
	})
	w.send("good morning")
	w.send("deploy to staging")
	w.sendEvent(larksim.Text(larksim.Ada, larksim.Direct, "deploy, I said")) // not in a group
	w.send("lunch?")
	w.send("deploy to production")
	a.mustRead("deploy to staging", "deploy to production")
	if s := a.status().Subscriptions; len(s) != 1 || s[0].SubscriptionID != sub.SubscriptionID || s[0].Delivered != 2 || s[0].Filtered != 3 {
		t.Errorf("counted: %+v, want 2 delivered, 3 filtered", s)
	}
}

func TestASubscriptionFromThePast(t *testing.T) {
	w := newWorld(t)
	early := w.agent(legacyEra)
	early.listen(messageKey)
	w.send("one")
	cursor := early.collect(1)[0].Cursor
	w.send("two")

	for from, want := range map[string][]string{
		"earliest": {"one", "two"}, "30m": {"one", "two"}, cursor: {"two"}, "now": {},
	} {
		late := w.agent(legacyEra)
		late.listen(messageKey, map[string]any{"from": from})
		if got := contents(late.poll(nil).Events); !slices.Equal(got, want) {
			t.Errorf("from %s: %v, want %v", from, got, want)
		}
	}
}
