package approval

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// detailScope lets a user read a request that they take part in or administer.
const detailScope = "approval:instance:read"

// changed is what the events of requests and of tasks have in common.
type changed struct {
	ApprovalCode keydef.Text `json:"approval_code"`
	InstanceCode keydef.Text `json:"instance_code"`
	ExternalID   keydef.Text `json:"external_id"`
	Status       keydef.Text `json:"status"`
	OperateTime  keydef.Text `json:"operate_time"`
}

// detail is what is read of a request, as the API for users returns it (DetailInstanceRespData in the SDK).
type detail struct {
	Name         keydef.Text `json:"definition_name"`
	SerialNumber keydef.Text `json:"serial_number"`
	User         keydef.Text `json:"user_id"`
	Status       keydef.Text `json:"status"`
	StartTime    keydef.Text `json:"start_time"`
	Form         keydef.Text `json:"form"`
	Tasks        []struct {
		ID       keydef.Text `json:"id"`
		NodeName keydef.Text `json:"node_name"`
	} `json:"tasks"`
	CurrentNodes []struct {
		Approvers []struct {
			User keydef.Text `json:"user_id"`
		} `json:"approvers"`
	} `json:"current_nodes"`
}

// Request is what both keys tell of the request itself.
type Request struct {
	InstanceCode string `json:"instance_code,omitempty" kind:"instance_code" desc:"the request; the API reads it and decides on it by this code"`
	ApprovalCode string `json:"approval_code,omitempty" kind:"approval_code" desc:"the form that the request was filed with"`
	ApprovalName string `json:"approval_name,omitempty" desc:"the form's name, such as Leave; looked up"`
	SerialNumber string `json:"serial_number,omitempty" desc:"the number of the request that people see; looked up"`
	ExternalID   string `json:"external_id,omitempty" desc:"the request's id in the other system, if it came from one"`
}

// Field is one field of a form that was filled in.
type Field struct {
	Name  string          `json:"name,omitempty" desc:"the field's label"`
	Type  string          `json:"type,omitempty" desc:"the kind of field, such as input, textarea, number, date, radioV2, fieldList, leaveGroup"`
	Value json.RawMessage `json:"value,omitempty" desc:"what was filled in; its shape depends on the type"`
}

// fetchDetail reads the request with a code. The plain way to read one, instances/{id}, is for apps only.
func fetchDetail(ctx context.Context, rt eventcore.APIClient, code keydef.Text) (*detail, error) {
	if code == "" {
		return &detail{}, nil
	}
	d, err := keydef.Get[detail](ctx, rt, "/open-apis/approval/v4/instances/detail?user_id_type=open_id&instance_code="+url.QueryEscape(string(code)))
	if err != nil {
		return &detail{}, keydef.Missing("the request's name, number, people and form", err, detailScope)
	}
	return d, nil
}

func (d *detail) request(event *changed) Request {
	return Request{
		InstanceCode: string(event.InstanceCode), ApprovalCode: string(event.ApprovalCode),
		ApprovalName: string(d.Name), SerialNumber: string(d.SerialNumber), ExternalID: string(event.ExternalID),
	}
}

// waitingFor returns who has to decide next, each person once.
func (d *detail) waitingFor() []string {
	var people []string
	seen := map[keydef.Text]bool{"": true} // the platform itself decides as nobody
	for _, node := range d.CurrentNodes {
		for _, approver := range node.Approvers {
			if !seen[approver.User] {
				seen[approver.User] = true
				people = append(people, string(approver.User))
			}
		}
	}
	return people
}

// form returns what was filled in. A form that is no list of fields is one field that holds it all.
func (d *detail) form(params map[string]string) []Field {
	if params[paramWithForm] != "true" || d.Form == "" {
		return nil
	}
	var controls []struct {
		Name  keydef.Text     `json:"name"`
		Type  keydef.Text     `json:"type"`
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal([]byte(d.Form), &controls) != nil {
		all, err := json.Marshal(string(d.Form))
		if err != nil {
			return nil
		}
		return []Field{{Value: all}}
	}
	fields := make([]Field, len(controls))
	for i, control := range controls {
		fields[i] = Field{Name: string(control.Name), Type: string(control.Type), Value: control.Value}
	}
	return fields
}
