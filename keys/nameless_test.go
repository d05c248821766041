package keys

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestEventThatNamesNothingIsAnErrorAndNotAnEmptyPayload(t *testing.T) {
	about := []string{"contact.", "application.bot.menu_v6", "board.", "card.", "approval.", "task.task.", "drive."}
	for _, def := range All() {
		if def.Process == nil || !startsWithOneOf(def.Key, about) {
			continue
		}
		for _, event := range []string{`{}`, `{"object":{},"old_object":{}}`, `{"changes":[]}`} {
			raw := &eventcore.RawEvent{EventType: def.EventType, Payload: json.RawMessage(`{"event":` + event + `}`)}
			data, err := def.Process(t.Context(), nil, raw, nil)
			if err == nil || data != nil || !strings.Contains(err.Error(), "the event names no") {
				t.Errorf("%s of %s gives %s, %v", event, def.Key, data, err)
			}
		}
	}
}

func startsWithOneOf(key string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
