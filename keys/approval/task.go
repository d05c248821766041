package approval

import (
	"context"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const taskChanged = "approval.task.status_changed_v4"

// TaskChanged is one person's part in a request, whose state changed.
type TaskChanged struct {
	TaskID string `json:"task_id,omitempty" kind:"task_id" desc:"the task: one person's decision in the request; approving and rejecting take it"`
	Request
	Status         string  `json:"status" desc:"the new state of the task: pending (it is this person's turn), approved or rejected (by this person), transferred (handed on), sent_back (to an earlier step), done (closed without this person: someone else decided, or the request was taken back), reverted (undone with the request), timed_out, recovered (opened again after that); any other as the platform writes it"`
	ChangedAt      string  `json:"changed_at,omitempty" kind:"date-time" desc:"when the state changed"`
	Assignee       string  `json:"assignee,omitempty" kind:"open_id" desc:"whose task it is; absent where the platform decides by itself"`
	NodeName       string  `json:"node_name,omitempty" desc:"the step of the request, such as Manager; looked up"`
	InstanceStatus string  `json:"instance_status,omitempty" desc:"the state of the whole request at the time of the lookup: pending, approved, rejected, canceled, deleted, or any other as the platform writes it"`
	StartedBy      string  `json:"started_by,omitempty" kind:"open_id" desc:"who filed the request; looked up"`
	StartedAt      string  `json:"started_at,omitempty" kind:"date-time" desc:"when the request was filed; looked up"`
	TaskExternalID string  `json:"task_external_id,omitempty" desc:"the task's id in the other system, if it came from one"`
	Form           []Field `json:"form,omitempty" desc:"what was filled in, with with_form"`
}

func taskKey() eventcore.KeyDefinition {
	return subscribed(keydef.Processed(eventcore.KeyDefinition{
		Key:         taskChanged,
		DisplayName: "Approval task changed state",
		Description: "One person's decision in an approval became due, or they approved, rejected, handed it on or sent it back. " +
			"Take it to hear that something waits for the user's approval (status pending), or how each approver decided. You " +
			"get the task, whose it is, its new state, and, looked up, the form's name, the number, the step, who filed the request, and " +
			"on demand what was filled in. For the outcome of the request as a whole take approval.instance.status_changed_v4. " +
			"It listens as a user; the event must be switched on in the developer console; the lookup needs the scope approval:instance:read too.",
		Keywords: []string{
			"to approve", "waiting for my approval", "awaiting approval", "pending my approval", "approver", "sign-off needed", "delegate", "countersign",
			"待审批", "审批任务", "待我审批", "审批待办", "转交", "退回", "审批人",
		},
		Params:          append([]eventcore.ParamDef{subscriptionTypeParam()}, narrowingParams(taskStatuses())...),
		NormalizeParams: normalizer(taskChanged),
		Match:           matcher(taskStatuses()),
		Scopes:          []string{"approval:task:read"},
		AuthTypes:       user(),
		Workers:         lookupWorkers,
	}, examples, processTask), "/open-apis/approval/v4/tasks/subscription")
}

type taskEvent struct {
	changed
	TaskID         keydef.Text   `json:"task_id"`
	TaskExternalID keydef.Text   `json:"task_external_id"`
	AssignedUser   keydef.UserID `json:"assigned_user"`
}

func processTask(ctx context.Context, rt eventcore.APIClient, in *taskEvent, params map[string]string) (*TaskChanged, error) {
	if in.TaskID == "" && in.InstanceCode == "" {
		return nil, keydef.NamesNo("task")
	}
	d, err := fetchDetail(ctx, rt, in.InstanceCode)
	out := &TaskChanged{
		TaskID: string(in.TaskID), Request: d.request(&in.changed), Status: word(taskStatuses(), in.Status), ChangedAt: in.OperateTime.UTC(),
		Assignee: string(in.AssignedUser), InstanceStatus: word(instanceStatuses(), d.Status), StartedBy: string(d.User),
		StartedAt: d.StartTime.UTC(), TaskExternalID: string(in.TaskExternalID), Form: d.form(params),
	}
	for _, task := range d.Tasks {
		if task.ID == in.TaskID && in.TaskID != "" {
			out.NodeName = string(task.NodeName)
		}
	}
	return out, err
}
