//go:build unix

package main_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What the protocol's own events extension answers and tells; see docs of package mcp.
type (
	eventPage struct {
		Events     []occurrence `json:"events"`
		Cursor     string       `json:"cursor"`
		Truncated  bool         `json:"truncated"`
		HasMore    bool         `json:"hasMore"`
		NextPollMs *int         `json:"nextPollMs"`
	}
	occurrence struct {
		EventID   string                     `json:"eventId"`
		Name      string                     `json:"name"`
		Timestamp string                     `json:"timestamp"`
		Data      json.RawMessage            `json:"data"`
		Cursor    string                     `json:"cursor"`
		Truncated bool                       `json:"truncated"`
		Meta      map[string]json.RawMessage `json:"_meta"`
	}
)

// follow are the params that ask for an event from a cursor on; an empty one begins now.
func follow(name, cursor string) map[string]any {
	params := map[string]any{"name": name, "cursor": nil}
	if cursor != "" {
		params["cursor"] = cursor
	}
	return params
}

func (a *agent) pollEvent(name, cursor string) eventPage {
	a.t.Helper()
	return decode[eventPage](a.t, string(a.request("events/poll", follow(name, cursor))))
}

// told returns the next notification of this kind of the stream.
func (a *agent) told(kind, stream string) occurrence {
	a.t.Helper()
	told := decode[occurrence](a.t, string(a.note("notifications/events/"+kind).Params))
	if id := string(told.Meta["io.modelcontextprotocol/subscriptionId"]); id != stream {
		a.t.Errorf("a notification of stream %s, want %s", id, stream)
	}
	return told
}

func TestAClientFollowsEventsByTheExtension(t *testing.T) {
	for _, e := range eras() {
		t.Run(string(e), func(t *testing.T) {
			w := newWorld(t)
			a := w.silentAgent(e)
			if hello := string(a.introduce()); strings.Count(hello, `"listChanged":false`) != 2 || !strings.Contains(hello, `"io.modelcontextprotocol/events"`) {
				t.Errorf("the extension is not announced: %s", hello)
			}
			names, pages := map[string]bool{}, 0
			for cursor := any(nil); ; pages++ {
				text := string(a.request("events/list", map[string]any{"cursor": cursor}))
				if len(text) > 128<<10 {
					t.Errorf("a page of events/list has %d bytes", len(text))
				}
				page := decode[struct {
					Events     []struct{ Name string }
					NextCursor string `json:"nextCursor"`
				}](t, text)
				for _, entry := range page.Events {
					names[entry.Name] = true
				}
				if cursor = page.NextCursor; page.NextCursor == "" {
					break
				}
			}
			if !names[messageKey] || !names[reactionKey] || len(names) < 100 {
				t.Errorf("%d pages list %d events", pages, len(names))
			}

			start := a.pollEvent(messageKey, "")
			first := w.send("one")
			got := a.pollEvent(messageKey, start.Cursor)
			if len(got.Events) != 1 || got.Events[0].EventID != first.EventID || got.Events[0].Name != messageKey || got.HasMore || got.Truncated ||
				!strings.Contains(string(got.Events[0].Data), `"one"`) || got.NextPollMs == nil {
				t.Fatalf("polled %+v", got)
			}

			stream := a.begin("events/stream", follow(messageKey, start.Cursor))
			if active := a.told("active", stream); active.Cursor != start.Cursor || active.Truncated {
				t.Errorf("active: %+v", active)
			}
			if one := a.told("event", stream); one.EventID != first.EventID || one.Cursor != got.Cursor || one.Timestamp != got.Events[0].Timestamp {
				t.Errorf("the stream begins with %+v, the poll with %+v, cursor %s", one, got.Events[0], got.Cursor)
			}
			second := w.send("two")
			if two := a.told("event", stream); two.EventID != second.EventID {
				t.Errorf("the stream goes on with %+v", two)
			}

			a.proc.stdin.Close()
			if answer := a.await(stream); answer.Error != nil || !strings.Contains(string(answer.Result), `"_meta"`) {
				t.Errorf("the stream was answered with %s %+v", answer.Result, answer.Error)
			}
			if code := a.proc.wait(); code != 0 || a.proc.stderr.String() != "" {
				t.Errorf("the server ended with code %d and said %q", code, a.proc.stderr)
			}
		})
	}
}

func TestACursorOfTheToolsIsOneOfTheExtension(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	sub := a.listen(messageKey)
	for _, text := range []string{"one", "two", "three"} {
		w.send(text)
	}
	events := a.collect(3)
	page := a.pollEvent(messageKey, events[0].Cursor)
	if len(page.Events) != 2 || page.Events[0].EventID != events[1].EventID || page.Cursor != events[2].Cursor {
		t.Errorf("events/poll from the tools' cursor: %+v", page)
	}
	whole := a.pollEvent(messageKey, sub.Cursor)
	if len(whole.Events) != 3 {
		t.Errorf("events/poll from the subscription's start: %+v", whole)
	}
	w.send("four")
	again := a.poll(map[string]any{"cursor": page.Cursor, "wait_seconds": 50})
	if got := contents(again.Events); !slices.Equal(got, []string{"four"}) {
		t.Errorf("poll_events from the extension's cursor: %v", got)
	}
}

// A stream holds the platform's subscription as long as it lasts, and ends it.
func TestAStreamSubscribesOnThePlatform(t *testing.T) {
	const key = "board.whiteboard.updated_v1"
	w := newWorld(t)
	const subscribe, unsubscribe = "/open-apis/board/v1/whiteboards/{id}/subscribe", "/open-apis/board/v1/whiteboards/{id}/unsubscribe"
	w.platform.Answer("POST", subscribe, 200, map[string]any{"code": 0})
	w.platform.Answer("POST", unsubscribe, 200, map[string]any{"code": 0})
	a := w.agent(legacyEra)
	params := follow(key, "")
	params["arguments"] = map[string]any{"whiteboard_id": "Ru8nwrWFOhEmaFbEU2VbPRsHcxb"}
	stream := a.begin("events/stream", params)
	a.told("active", stream)
	calls := func() (paths []string) {
		for _, call := range w.platform.Calls() {
			if strings.Contains(call.Path, "/whiteboards/") {
				paths = append(paths, call.Path[strings.LastIndex(call.Path, "/"):])
			}
		}
		return paths
	}
	if got := calls(); !slices.Equal(got, []string{"/subscribe"}) {
		t.Errorf("at the stream's start the platform was asked %v", got)
	}
	a.cancel(stream)
	eventually(t, "the end of the platform's subscription", func() bool { return slices.Equal(calls(), []string{"/subscribe", "/unsubscribe"}) })
}

// One server holds more streams than a bus answers requests of one consumer at once.
func TestManyStreamsOfOneServer(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	const streams = 300
	open := map[string]bool{}
	for range streams {
		id := a.begin("events/stream", follow(messageKey, ""))
		a.told("active", id)
		open[id] = true
	}
	if n := len(w.status().Consumers); n != 3 {
		t.Errorf("%d streams are %d consumers of the bus", streams, n)
	}
	w.send("to all")
	for range streams {
		told := decode[occurrence](t, string(a.note("notifications/events/event").Params))
		delete(open, string(told.Meta["io.modelcontextprotocol/subscriptionId"]))
	}
	if len(open) != 0 {
		t.Errorf("%d streams were not told", len(open))
	}
	elapsed := took(func() {
		a.proc.stdin.Close()
		a.proc.wait()
	})
	if elapsed > endPromise+endMargin {
		t.Errorf("the server took %v to end", elapsed)
	}
	w.awaitConsumers(0)
}
