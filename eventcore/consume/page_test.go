package consume_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// numberAbove keeps events whose number is above least.
func numberAbove(least int) func(*eventcore.RawEvent, map[string]string) bool {
	return func(raw *eventcore.RawEvent, _ map[string]string) bool {
		var body struct{ Event struct{ N int } }
		return json.Unmarshal(raw.Payload, &body) == nil && body.Event.N > least
	}
}

func TestAPageEndsBeforeAnEventWhoseResultsDoNotFit(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	from := at(
		subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.one", EventType: "t.a", Match: numberAbove(2)})}),
		subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.other", EventType: "t.a", Match: numberAbove(2)})}),
	)
	// The first two are dropped. The third leaves room for one, and the fourth, which is asked for alone, needs two.
	b.Source.Send(t, testutil.Events(1, 6, "t.a")...)
	for _, want := range [][]int{{3, 3}, {4, 4}, {5, 5}, {6, 6}} {
		page := read(t, c, from, 3, time.Hour)
		if last := want[0] == 6; !slices.Equal(ids(page), wantIDs(want...)) || page.HasMore == last {
			t.Fatalf("a page of %v, more: %t; want %v", ids(page), page.HasMore, want)
		}
		for i := range from {
			from[i].Cursor = page.Next[i]
		}
	}
}

func TestAPageOfLargeEventsIsShort(t *testing.T) {
	for name, limit := range map[string]consume.Limit{
		"as it is": {Events: 200}, "as asked": {Events: 200, Bytes: 8 << 10}, "never larger": {Events: 200, Bytes: 8 * consume.MaxPageBytes},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBus(t)
			c := newClient(t, b)
			from := at(subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.large", EventType: "t.a"})}))
			half := consume.MaxPageBytes / 2
			if name == "as asked" {
				half = limit.Bytes / 2
			}
			var sent []eventcore.RawEvent
			for n, size := range []int{half, half, 3 * half, 10, half / 2, half - 1000, 10} {
				one := testutil.Event(n+1, "t.a")
				one.Payload = fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", size))
				sent = append(sent, one)
			}
			b.Source.Send(t, sent...)
			for _, want := range [][]int{{1}, {2}, {3}, {4, 5, 6, 7}} {
				page, err := c.Read(t.Context(), from, limit, time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if last := want[0] == 4; !slices.Equal(ids(page), wantIDs(want...)) || page.HasMore == last {
					t.Fatalf("a page of %v, more: %t; want %v", ids(page), page.HasMore, want)
				}
				from[0].Cursor = page.Next[0]
			}
		})
	}
}

// What does not fit is processed again for the next page, and processing may ask the platform.
func TestASmallPageProcessesFewEventsInVain(t *testing.T) {
	const events, workers = 40, 4
	b := startBus(t)
	c := newClient(t, b)
	var calls atomic.Int64
	from := at(subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{
		Key: "t.mail", EventType: "t.mail", Workers: workers,
		Schema: eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Raw: []byte(`{"type":"object"}`)}},
		Process: func(context.Context, eventcore.APIClient, *eventcore.RawEvent, map[string]string) (json.RawMessage, error) {
			calls.Add(1)
			return fmt.Appendf(nil, `{"body":%q}`, strings.Repeat("x", 20<<10)), nil
		},
	})}))
	b.Source.Send(t, testutil.Events(1, events, "t.mail")...)
	read := 0
	for more := true; more; {
		page, err := c.Read(t.Context(), from, consume.Limit{Events: 200, Bytes: 32 << 10}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		read += len(page.Events)
		from[0].Cursor, more = page.Next[0], page.HasMore
	}
	if n := calls.Load(); read != events || n > workers*events {
		t.Errorf("%d events were read, and processed %d times; want %d, and at most %d", read, n, events, workers*events)
	}
}
