package keydef

import (
	"embed"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

type payload struct {
	Operator *struct {
		OpenID  *string `json:"open_id,omitempty"`
		UnionID *string `json:"union_id,omitempty"`
		UserID  *string `json:"user_id,omitempty"`
	} `json:"operator,omitempty"`
}

func TestNativeFillsInWhatFollowsFromTheKey(t *testing.T) {
	var none embed.FS
	def := Native[payload](eventcore.KeyDefinition{Key: "x.y_v1"}, none, User("/event/operator", "who"), Field("/event", "", "what"))
	if def.EventType != "x.y_v1" || len(def.RequiredConsoleEvents) != 1 || def.RequiredConsoleEvents[0] != "x.y_v1" {
		t.Errorf("event type %q, console events %v", def.EventType, def.RequiredConsoleEvents)
	}
	if len(def.Schema.FieldOverrides) != 5 {
		t.Errorf("overrides %v", def.Schema.FieldOverrides)
	}
}

func TestMissingExampleIsRefusedByName(t *testing.T) {
	t.Cleanup(eventcore.ResetRegistryForTest)
	defer func() {
		message, _ := recover().(string)
		if !strings.Contains(message, "x.y_v1") || !strings.Contains(message, "Example") {
			t.Errorf("panic %q must name the key and the example", message)
		}
	}()
	var none embed.FS
	eventcore.RegisterKey(Native[payload](eventcore.KeyDefinition{Key: "x.y_v1"}, none))
}
