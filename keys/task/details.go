package task

import (
	"slices"
	"time"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// details is what is read of a task, as the API returns it (Task in the SDK).
type details struct {
	Summary        keydef.Text `json:"summary"`
	Description    keydef.Text `json:"description"`
	Status         keydef.Text `json:"status"`
	CompletedAt    keydef.Text `json:"completed_at"`
	Due            moment      `json:"due"`
	Start          moment      `json:"start"`
	Members        []member    `json:"members"`
	Creator        member      `json:"creator"`
	ParentTaskGUID keydef.Text `json:"parent_task_guid"`
	Tasklists      []struct {
		GUID keydef.Text `json:"tasklist_guid"`
	} `json:"tasklists"`
	TaskID keydef.Text `json:"task_id"`
	URL    keydef.Text `json:"url"`
}

type member struct {
	ID   keydef.Text `json:"id"`
	Role keydef.Text `json:"role"`
}

// moment is a time, or a day that the platform writes as its beginning in UTC.
type moment struct {
	Timestamp keydef.Text `json:"timestamp"`
	AllDay    keydef.Text `json:"is_all_day"`
}

// split returns the moment as a time or as a day; one of the two is empty, both if there is no moment.
func (m moment) split() (at, day string) {
	at = m.Timestamp.UTC()
	if at == "" || m.AllDay != "true" {
		return at, ""
	}
	return "", at[:len(time.DateOnly)]
}

// describe fills in what was looked up.
func (d *details) describe(out *Updated) {
	out.Title, out.Status, out.TaskID, out.URL = string(d.Summary), string(d.Status), string(d.TaskID), string(d.URL)
	out.Creator, out.ParentTaskGUID, out.CompletedAt = string(d.Creator.ID), string(d.ParentTaskGUID), d.CompletedAt.UTC()
	out.DueAt, out.DueDate = d.Due.split()
	out.StartAt, out.StartDate = d.Start.split()
	if slices.Contains(out.Changes, created) || slices.Contains(out.Changes, descriptionChanged) {
		out.Description = string(d.Description)
	}
	for _, m := range d.Members {
		switch m.Role {
		case "assignee":
			out.Assignees = append(out.Assignees, string(m.ID))
		case "follower":
			out.Followers = append(out.Followers, string(m.ID))
		}
	}
	for _, list := range d.Tasklists {
		out.TasklistGUIDs = append(out.TasklistGUIDs, string(list.GUID))
	}
}
