package approval

import (
	"context"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const instanceChanged = "approval.instance.status_changed_v4"

// InstanceChanged is a request whose state changed.
type InstanceChanged struct {
	Request
	Status     string   `json:"status" desc:"the new state: pending (filed, or open again), approved (granted), rejected (refused), canceled (taken back by whoever filed it), deleted (its form was deleted), reverted (given up after it was granted), timed_out (nobody decided in time), recovered (opened again after that); any other as the platform writes it"`
	ChangedAt  string   `json:"changed_at,omitempty" kind:"date-time" desc:"when the state changed"`
	StartedBy  string   `json:"started_by,omitempty" kind:"open_id" desc:"who filed the request"`
	StartedAt  string   `json:"started_at,omitempty" kind:"date-time" desc:"when the request was filed; looked up"`
	WaitingFor []string `json:"waiting_for,omitempty" kind:"open_id" desc:"who has to decide next, at the time of the lookup; absent once the request is closed"`
	Form       []Field  `json:"form,omitempty" desc:"what was filled in, with with_form"`
}

func instanceKey() eventcore.KeyDefinition {
	return subscribed(keydef.Processed(eventcore.KeyDefinition{
		Key:         instanceChanged,
		DisplayName: "Approval request changed state",
		Description: "An approval request as a whole was filed, approved, rejected, canceled, reverted or timed out: one the user takes part in, " +
			"or administers. You get the request with its new state, who filed it, and, looked up, the form's name, " +
			"the number, who has to decide next, and on demand what was filled in. It says what became of the request, not who " +
			"decided: for the decisions of single people, and for what waits for the user's own decision, take " +
			"approval.task.status_changed_v4. It listens as a user; the event must be switched on in the developer console.",
		Keywords: []string{
			"approval rejected", "approval approved",
			"leave request", "expense", "reimbursement", "workflow finished", "sign-off", "granted", "refused", "withdrawn",
			"审批", "审批通过", "审批拒绝", "审批撤回", "审批实例", "审批完成", "请假", "报销", "申请单",
		},
		Params:          append([]eventcore.ParamDef{subscriptionTypeParam()}, narrowingParams(instanceStatuses())...),
		NormalizeParams: normalizer(instanceChanged),
		Match:           matcher(instanceStatuses()),
		Scopes:          []string{"approval:instance:read"},
		AuthTypes:       user(),
		Workers:         lookupWorkers,
	}, examples, processInstance), "/open-apis/approval/v4/instances/subscription")
}

type instanceEvent struct {
	changed
	StartUser keydef.UserID `json:"start_user"`
}

func processInstance(ctx context.Context, rt eventcore.APIClient, in *instanceEvent, params map[string]string) (*InstanceChanged, error) {
	if in.InstanceCode == "" {
		return nil, keydef.NamesNo("request")
	}
	d, err := fetchDetail(ctx, rt, in.InstanceCode)
	out := &InstanceChanged{
		Request: d.request(&in.changed), Status: word(instanceStatuses(), in.Status), ChangedAt: in.OperateTime.UTC(),
		StartedBy: string(in.StartUser), StartedAt: d.StartTime.UTC(), WaitingFor: d.waitingFor(), Form: d.form(params),
	}
	if out.StartedBy == "" {
		out.StartedBy = string(d.User)
	}
	return out, err
}
