package card

import (
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// meaningful returns a value unless it says nothing: the platform writes {} and null for an element without one.
func meaningful(raw json.RawMessage) json.RawMessage {
	switch string(raw) {
	case "{}", "null", `""`:
		return nil
	}
	return raw
}

// texts reads a list of texts, or the one text that stands for a list of one.
func texts(raw json.RawMessage) []string {
	if meaningful(raw) == nil {
		return nil
	}
	var list []keydef.Text
	if json.Unmarshal(raw, &list) != nil {
		list = make([]keydef.Text, 1)
		if list[0].UnmarshalJSON(raw) != nil {
			return nil
		}
	}
	plain := make([]string, len(list))
	for i, text := range list {
		plain[i] = string(text)
	}
	return plain
}

// fields reads the values of a form, an object or one in a text. Anything else is an error that quotes it, so that it
// is not lost.
func fields(raw json.RawMessage) (map[string]json.RawMessage, error) {
	if meaningful(raw) == nil {
		return nil, nil
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) == nil {
		return values, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && json.Unmarshal([]byte(text), &values) == nil {
		return values, nil
	}
	return nil, &eventcore.Error{
		Code: eventcore.CodePlatformError, Message: "the form's values are no object, and are not in form_value: " + clip(string(raw)),
		Hint: "the rest of the event is complete",
	}
}

// clip shortens what the platform sent, for use in a message.
func clip(s string) string {
	const limit = 500
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return s
}
