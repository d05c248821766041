package task

import (
	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// The changes that decide what is looked up.
const (
	created            = "created"
	deleted            = "deleted"
	descriptionChanged = "description_changed"
)

// change is one kind of change: as the platform writes it, as a word, and what it means.
type change struct {
	platform keydef.Text
	eventcore.ParamValue
}

func changes() []change {
	return []change{
		{"task_create", eventcore.ParamValue{Value: created, Desc: "the task is new"}},
		{"task_deleted", eventcore.ParamValue{Value: deleted, Desc: "the task is gone; only its id is left"}},
		{"task_completed_update", eventcore.ParamValue{Value: "completion_changed", Desc: "the task was completed, or opened again: status tells which"}},
		{"task_assignees_update", eventcore.ParamValue{Value: "assignees_changed", Desc: "someone else has to do it, or someone more or less"}},
		{"task_followers_update", eventcore.ParamValue{Value: "followers_changed", Desc: "someone began or ceased to follow it"}},
		{"task_start_due_update", eventcore.ParamValue{Value: "dates_changed", Desc: "it starts or is due at another time"}},
		{"task_summary_update", eventcore.ParamValue{Value: "title_changed", Desc: "it has another title"}},
		{"task_desc_update", eventcore.ParamValue{Value: descriptionChanged, Desc: "it has another description"}},
		{"task_reminders_update", eventcore.ParamValue{Value: "reminders_changed", Desc: "its reminder is set otherwise"}},
	}
}

// words are the readable forms of changes; one that is not known stays as the platform wrote it.
func words(platform []keydef.Text) []string {
	list := make([]string, len(platform))
	for i, text := range platform {
		list[i] = string(text)
		for _, c := range changes() {
			if c.platform == text {
				list[i] = c.Value
			}
		}
	}
	return list
}

func changeValues() []eventcore.ParamValue {
	var values []eventcore.ParamValue
	for _, c := range changes() {
		values = append(values, c.ParamValue)
	}
	return values
}
