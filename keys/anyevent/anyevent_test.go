package anyevent

import (
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestEventTypeComesFromTheParam(t *testing.T) {
	def := Keys()[0]
	params, err := eventcore.ResolveParams(&def, map[string]any{"event_type": " contact.user.created_v3 "})
	if err != nil {
		t.Fatal(err)
	}
	if err := def.NormalizeParams(t.Context(), nil, params); err != nil {
		t.Fatal(err)
	}
	if got := def.EventTypeFor(params); got != "contact.user.created_v3" {
		t.Errorf("event type %q", got)
	}
}

func TestWhatIsNoEventTypeIsRefused(t *testing.T) {
	def := Keys()[0]
	for _, eventType := range []string{"", " ", "a,b", "*", "im.message receive", "im.*", "事件", "app_ticket"} {
		err := def.NormalizeParams(t.Context(), nil, map[string]string{"event_type": eventType})
		if !eventcore.IsCode(err, eventcore.CodeInvalidParams) {
			t.Errorf("%q: error %v", eventType, err)
		}
	}
	if _, err := eventcore.ResolveParams(&def, nil); !eventcore.IsCode(err, eventcore.CodeInvalidParams) {
		t.Errorf("no event type: error %v", err)
	}
}
