package task

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const taskUpdated = "task.task.update_user_access_v2"

// readScope lets the app read tasks.
const readScope = "task:task:read"

// lookupWorkers is how many tasks may be looked up at once for one consumer.
const lookupWorkers = 4

// subscribePath switches the events on for whoever calls it, an app or a user.
const subscribePath = "/open-apis/task/v2/task_v2/task_subscription?user_id_type=open_id"

// Updated is a task that changed. All but the guid and the changes is looked up: it is the task as it stands, and absent
// for a task that was deleted.
type Updated struct {
	TaskGUID       string   `json:"task_guid" kind:"task_guid" desc:"the task; the API takes this id"`
	Changes        []string `json:"changes" desc:"what changed: created, deleted, completion_changed, assignees_changed, followers_changed, dates_changed, title_changed, description_changed, reminders_changed; any other as the platform writes it"`
	Title          string   `json:"title,omitempty" desc:"the task's title"`
	Description    string   `json:"description,omitempty" desc:"the task's description, if the task is new or the description changed"`
	Status         string   `json:"status,omitempty" desc:"todo or done; any other as the platform writes it"`
	CompletedAt    string   `json:"completed_at,omitempty" kind:"date-time" desc:"when the task was completed"`
	DueAt          string   `json:"due_at,omitempty" kind:"date-time" desc:"when the task is due, if that is a time"`
	DueDate        string   `json:"due_date,omitempty" kind:"date" desc:"the day on which the task is due, if no time is set"`
	StartAt        string   `json:"start_at,omitempty" kind:"date-time" desc:"when the task starts, if that is a time"`
	StartDate      string   `json:"start_date,omitempty" kind:"date" desc:"the day on which the task starts, if no time is set"`
	Assignees      []string `json:"assignees,omitempty" kind:"open_id" desc:"who has to do it: people, or apps by their app id (cli_…)"`
	Followers      []string `json:"followers,omitempty" kind:"open_id" desc:"who follows it: people, or apps by their app id (cli_…)"`
	Creator        string   `json:"creator,omitempty" kind:"open_id" desc:"who created it: a person, or an app by its app id (cli_…)"`
	ParentTaskGUID string   `json:"parent_task_guid,omitempty" kind:"task_guid" desc:"the task that this is a part of"`
	TasklistGUIDs  []string `json:"tasklist_guids,omitempty" kind:"tasklist_guid" desc:"the lists it is in, as far as they may be seen"`
	TaskID         string   `json:"task_id,omitempty" desc:"the number that people see, such as t123456; no id for the API"`
	URL            string   `json:"url,omitempty" desc:"a link to the task for people"`
}

func updateKey() eventcore.KeyDefinition {
	def := keydef.Processed(eventcore.KeyDefinition{
		Key:         taskUpdated,
		DisplayName: "Task created, changed or completed",
		Description: "A task (to-do) was created, completed, reopened, reassigned, rescheduled, renamed or deleted. Listening as a user, you " +
			"hear of the tasks that the user created, has to do or follows; as a bot, of those the app itself has to do. You get the task, " +
			"what changed, and, looked up, its title, status, dates and people as they are now; not who made the change, nor the " +
			"values before. Comments are not covered. One consumer only. It subscribes by itself, and the platform has no call to " +
			"end that; the event must be switched on in the developer console. For what waits for an approval, take approval.task.status_changed_v4.",
		Keywords: []string{
			"todo", "to-do", "checklist", "assigned to me", "deadline", "due date", "finished", "done", "assignee",
			"任务", "待办", "任务完成", "任务分配", "任务更新", "截止时间", "负责人",
		},
		Params:          params(),
		NormalizeParams: normalize,
		Match:           match,
		Scopes:          []string{readScope},
		AuthTypes:       []string{"user", "bot"},
		SingleConsumer:  true,
		Workers:         lookupWorkers,
	}, examples, process)
	def.PreConsume = func(ctx context.Context, rt eventcore.APIClient, _ map[string]string) (func() error, error) {
		_, err := rt.CallAPI(ctx, http.MethodPost, subscribePath, nil)
		return nil, err
	}
	// There is no call to unsubscribe. Without this, a consumer that takes over would subscribe again just to leave.
	def.Cleanup = func(context.Context, eventcore.APIClient, map[string]string) error { return nil }
	return def
}

type updateEvent struct {
	TaskGUID keydef.Text   `json:"task_guid"`
	Types    []keydef.Text `json:"event_types"`
}

func process(ctx context.Context, rt eventcore.APIClient, in *updateEvent, _ map[string]string) (*Updated, error) {
	if in.TaskGUID == "" {
		return nil, keydef.NamesNo("task")
	}
	out := &Updated{TaskGUID: string(in.TaskGUID), Changes: words(in.Types)}
	if slices.Contains(out.Changes, deleted) {
		return out, nil
	}
	answer, err := keydef.Get[struct {
		Task details `json:"task"`
	}](ctx, rt, "/open-apis/task/v2/tasks/"+url.PathEscape(out.TaskGUID)+"?user_id_type=open_id")
	if err != nil {
		return out, keydef.Missing("the task's title, status, dates and people", err, readScope)
	}
	answer.Task.describe(out)
	return out, nil
}
