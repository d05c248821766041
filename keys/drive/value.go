package drive

import (
	"encoding/json"
	"strings"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// fieldValue is the value of one field of a record, as the event has it: JSON in a string.
type fieldValue struct {
	Field keydef.Text `json:"field_id"`
	Value keydef.Text `json:"field_value"`
	// Identity says who the people in the value are.
	Identity struct {
		Users []struct {
			ID   keydef.UserID `json:"user_id"`
			Name keydef.Text   `json:"name"`
		} `json:"users"`
	} `json:"field_identity_value"`
}

// person is a person in a field, as the payload has it.
type person struct {
	OpenID string `json:"open_id,omitempty"`
	Name   string `json:"name,omitempty"`
}

// readable is the value as JSON: people by id and name, text that comes in pieces as one string, anything else as it
// is, and what is no JSON as a string. It is nil for no value.
func (v *fieldValue) readable() json.RawMessage {
	var value any = string(v.Value)
	switch raw := json.RawMessage(v.Value); {
	case len(v.Identity.Users) > 0:
		var people []person
		for _, user := range v.Identity.Users {
			people = append(people, person{string(user.ID), string(user.Name)})
		}
		value = people
	case strings.TrimSpace(string(raw)) == "" || string(raw) == "null":
		return nil
	case json.Valid(raw):
		text, ok := joined(raw)
		if !ok {
			return raw
		}
		value = text
	}
	data, err := keydef.Encode(value)
	if err != nil {
		return nil
	}
	return data
}

// joined is a text that comes in pieces, each an object of nothing but type text and the text.
func joined(raw json.RawMessage) (string, bool) {
	var pieces []map[string]any
	if json.Unmarshal(raw, &pieces) != nil || len(pieces) == 0 {
		return "", false
	}
	var whole strings.Builder
	for _, piece := range pieces {
		text, ok := piece["text"].(string)
		if kind, typed := piece["type"]; !ok || (typed && kind != "text") || len(piece) > 2 || (len(piece) == 2 && !typed) {
			return "", false
		}
		whole.WriteString(text)
	}
	return whole.String(), true
}

// actionWord is the word for a kind of change, such as added for record_added.
func actionWord(prefix string, action keydef.Text) string {
	return strings.TrimPrefix(string(action), prefix)
}
