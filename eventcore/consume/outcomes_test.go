package consume

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestWhatSubscriptionsMakeOfASharedEventIsKeptWithinABound(t *testing.T) {
	def := &eventcore.KeyDefinition{
		Key: "t.a", EventType: "t.a",
		Process: func(context.Context, eventcore.APIClient, *eventcore.RawEvent, map[string]string) (json.RawMessage, error) {
			return nil, nil
		},
	}
	for name, test := range map[string]struct{ payload, made, most int }{
		"small events":             {500, 1000, 20},
		"large events":             {100_000, 100_000, 4},
		"events that grow":         {100, 1 << 20, 0},
		"events that filters drop": {500, 0, 200},
	} {
		t.Run(name, func(t *testing.T) {
			one := &item{raw: &eventcore.RawEvent{Payload: make(json.RawMessage, test.payload)}, shared: true}
			runs := 0
			get := func(sub *Subscription) {
				t.Helper()
				want := bytes.Repeat([]byte(sub.Filter), test.made)
				event := one.outcome(t.Context(), sub, func() *Event {
					if runs++; test.made == 0 {
						return nil
					}
					return &Event{Data: want}
				})
				if event != nil && !bytes.Equal(event.Data, want) || (event == nil) != (test.made == 0) {
					t.Errorf("subscription %s got another's event, or none", sub.Filter)
				}
			}
			const subs = 500
			for i := range subs {
				sub := newSubscription(def, nil, string(rune('a'+i%26)))
				get(sub)
				get(sub)
			}
			if again := runs - subs; test.most > 0 && again > 0 {
				t.Errorf("what was made last was made again, %d times", again)
			}
			if len(one.outcomes) > test.most {
				t.Errorf("%d of %d are kept, want at most %d", len(one.outcomes), subs, test.most)
			}
		})
	}
}
