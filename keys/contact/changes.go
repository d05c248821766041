package contact

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// Change is one field that changed.
type Change struct {
	Field string          `json:"field" desc:"the field, by its name in the platform's directory, such as job_title or department_ids"`
	Old   json.RawMessage `json:"old,omitempty" desc:"the value before; absent if there was none"`
	New   json.RawMessage `json:"new,omitempty" desc:"the value now; absent if there is none any more"`
}

// update is the event of something in the directory that changed: as it is now, and of what was before only the fields
// that changed.
type update struct {
	Object    map[string]json.RawMessage `json:"object"`
	OldObject map[string]json.RawMessage `json:"old_object"`
}

// readable are the fields whose values are told as the rest of the payload tells them.
var readable = map[string]func(json.RawMessage) string{
	"status":        userStatus,
	"avatar":        avatar,
	"employee_type": func(raw json.RawMessage) string { return employeeType(text(raw)) },
	"join_time":     func(raw json.RawMessage) string { return text(raw).UTC() },
}

// changes returns what changed, by name of the field. The platform puts into old_object the fields that changed; one
// that is there with the same value, such as the id, did not.
func (u *update) changes() []Change {
	list := []Change{}
	for _, field := range slices.Sorted(maps.Keys(u.OldObject)) {
		before, now := tell(field, u.OldObject[field]), tell(field, u.Object[field])
		if !bytes.Equal(before, now) {
			list = append(list, Change{Field: field, Old: before, New: now})
		}
	}
	return list
}

// tell returns a field's value in the form that is told, compact, nil if there is none.
func tell(field string, raw json.RawMessage) json.RawMessage {
	if unlessEmpty(raw) == nil {
		return nil
	}
	if read, ok := readable[field]; ok {
		if told := read(raw); told != "" {
			if encoded, err := keydef.Encode(told); err == nil {
				return encoded
			}
		}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return nil
	}
	return compact.Bytes()
}

// decode reads the changed thing as it is now; what cannot be read stays empty, because the changes tell of it.
func (u *update) decode(into any) {
	raw, err := json.Marshal(u.Object)
	if err != nil {
		return
	}
	_ = json.Unmarshal(raw, into)
}

func text(raw json.RawMessage) keydef.Text {
	var t keydef.Text
	if raw == nil || t.UnmarshalJSON(raw) != nil {
		return ""
	}
	return t
}
