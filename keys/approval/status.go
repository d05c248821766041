package approval

import (
	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// status is one state: as the platform writes it, as a word, and what it means.
type status struct {
	platform keydef.Text
	eventcore.ParamValue
}

func instanceStatuses() []status {
	return []status{
		{"PENDING", eventcore.ParamValue{Value: "pending", Desc: "the request was filed and waits for decisions"}},
		{"APPROVED", eventcore.ParamValue{Value: "approved", Desc: "everyone who had to has agreed: the request is granted"}},
		{"REJECTED", eventcore.ParamValue{Value: "rejected", Desc: "someone said no: the request is refused"}},
		{"CANCELED", eventcore.ParamValue{Value: "canceled", Desc: "whoever filed the request took it back before it was decided"}},
		{"DELETED", eventcore.ParamValue{Value: "deleted", Desc: "an administrator deleted the form while the request was open"}},
		{"REVERTED", eventcore.ParamValue{Value: "reverted", Desc: "whoever filed the request gave it up after it was granted"}},
		{"OVERTIME_CLOSE", eventcore.ParamValue{Value: "timed_out", Desc: "the request was closed because nobody decided in time"}},
		{"OVERTIME_RECOVER", eventcore.ParamValue{Value: "recovered", Desc: "a request closed for time was opened again by hand"}},
	}
}

func taskStatuses() []status {
	return []status{
		{"PENDING", eventcore.ParamValue{Value: "pending", Desc: "it is this person's turn to decide"}},
		{"APPROVED", eventcore.ParamValue{Value: "approved", Desc: "this person agreed"}},
		{"REJECTED", eventcore.ParamValue{Value: "rejected", Desc: "this person said no"}},
		{"TRANSFERRED", eventcore.ParamValue{Value: "transferred", Desc: "this person handed the decision to someone else, who gets a task of their own"}},
		{"ROLLBACK", eventcore.ParamValue{Value: "sent_back", Desc: "this person sent the request back to an earlier step"}},
		{"DONE", eventcore.ParamValue{Value: "done", Desc: "closed without this person: someone else decided, or the request was taken back or deleted"}},
		{"REVERTED", eventcore.ParamValue{Value: "reverted", Desc: "the decision was undone together with the request"}},
		{"OVERTIME_CLOSE", eventcore.ParamValue{Value: "timed_out", Desc: "closed because this person did not decide in time"}},
		{"OVERTIME_RECOVER", eventcore.ParamValue{Value: "recovered", Desc: "a task closed for time was opened again by hand"}},
	}
}

// word is the readable form of a state; one that is not known stays as the platform wrote it.
func word(statuses []status, platform keydef.Text) string {
	for _, s := range statuses {
		if s.platform == platform {
			return s.Value
		}
	}
	return string(platform)
}

func statusValues(statuses []status) []eventcore.ParamValue {
	values := make([]eventcore.ParamValue, len(statuses))
	for i, s := range statuses {
		values[i] = s.ParamValue
	}
	return values
}
