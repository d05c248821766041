//go:build unix

package main_test

import (
	"encoding/json"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The results of the tools, as interface.md has them.
type (
	subscribed struct {
		SubscriptionID string         `json:"subscription_id"`
		Key            string         `json:"key"`
		Params         map[string]any `json:"params"`
		Cursor         string         `json:"cursor"`
		Push           struct {
			Mode   string `json:"mode"`
			Detail string `json:"detail"`
		} `json:"push"`
		Source   sourceState `json:"source"`
		Warnings []string    `json:"warnings"`
	}
	page struct {
		Events    []event     `json:"events"`
		Cursor    string      `json:"cursor"`
		HasMore   bool        `json:"has_more"`
		Truncated bool        `json:"truncated"`
		Filtered  int         `json:"filtered"`
		Source    sourceState `json:"source"`
	}
	event struct {
		SubscriptionID string           `json:"subscription_id"`
		EventID        string           `json:"event_id"`
		Key            string           `json:"key"`
		EventType      string           `json:"event_type"`
		Time           string           `json:"time"`
		Cursor         string           `json:"cursor"`
		Data           json.RawMessage  `json:"data"`
		Error          *eventcore.Error `json:"error"`
	}
	sourceState struct {
		State  string `json:"state"`
		Detail string `json:"detail"`
	}
	unsubscribed struct {
		SubscriptionID string `json:"subscription_id"`
		Cleanup        string `json:"cleanup"`
	}
	agentStatus struct {
		App struct{ ID, Domain string } `json:"app"`
		Bus struct {
			Running   bool `json:"running"`
			PID       int  `json:"pid"`
			Consumers int  `json:"consumers"`
		} `json:"bus"`
		Source  sourceState `json:"source"`
		Journal struct {
			Events int `json:"events"`
		} `json:"journal"`
		Subscriptions []struct {
			SubscriptionID string `json:"subscription_id"`
			Key            string `json:"key"`
			Behind         int    `json:"behind"`
			Delivered      int    `json:"delivered"`
			Filtered       int    `json:"filtered"`
			Failed         int    `json:"failed"`
		} `json:"subscriptions"`
		Problems []struct{ Code, Message, Hint string } `json:"problems"`
	}
)

func (s subscribed) uri() string { return "lark-event://subscriptions/" + s.SubscriptionID }

// content is the text of a message event.
func (e event) content() string {
	var message struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(e.Data, &message) != nil {
		return ""
	}
	return message.Content
}

// contents are the texts of message events.
func contents(events []event) []string {
	texts := []string{}
	for _, e := range events {
		texts = append(texts, e.content())
	}
	return texts
}

// ids are the ids of events.
func ids(events []event) []string {
	found := []string{}
	for _, e := range events {
		found = append(found, e.EventID)
	}
	return found
}

// listen subscribes to a key, with the arguments that it needs beside.
func (a *agent) listen(key string, args ...map[string]any) subscribed {
	a.t.Helper()
	return decode[subscribed](a.t, a.tool("subscribe_event", subscribeArgs(key, args...)))
}

func subscribeArgs(key string, args ...map[string]any) map[string]any {
	all := map[string]any{"key": key}
	for _, more := range args {
		for name, value := range more {
			all[name] = value
		}
	}
	return all
}

// poll reads a page.
func (a *agent) poll(args map[string]any) page {
	a.t.Helper()
	return decode[page](a.t, a.tool("poll_events", args))
}

// collect polls, and waits, until it has n events; more are an error.
func (a *agent) collect(n int) []event {
	a.t.Helper()
	var events []event
	for len(events) < n {
		got := a.poll(map[string]any{"wait_seconds": 50})
		if len(got.Events) == 0 {
			a.t.Fatalf("%d of %d events came: %v", len(events), n, ids(events))
		}
		events = append(events, got.Events...)
	}
	if len(events) > n {
		a.t.Fatalf("%d events came, want %d: %v", len(events), n, contents(events))
	}
	return events
}

// mustRead checks that exactly these messages come next, in this order.
func (a *agent) mustRead(want ...string) {
	a.t.Helper()
	if got := contents(a.collect(len(want))); !slices.Equal(got, want) {
		a.t.Fatalf("read %q, want %q", got, want)
	}
}

// status calls event_status.
func (a *agent) status() agentStatus {
	a.t.Helper()
	return decode[agentStatus](a.t, a.tool("event_status", nil))
}
