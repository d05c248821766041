package contact

import (
	"context"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// PersonUpdated is someone whose entry in the directory changed.
type PersonUpdated struct {
	OpenID        string   `json:"open_id,omitempty" kind:"open_id" desc:"the person's id for this app; the one to use with the API"`
	UserID        string   `json:"user_id,omitempty" kind:"user_id" desc:"the person's id in the company; needs the scope contact:user.employee_id:readonly"`
	Name          string   `json:"name,omitempty" desc:"the person's name now; needs contact:user.base:readonly"`
	DepartmentIDs []string `json:"department_ids,omitempty" kind:"open_department_id" desc:"the departments the person is in now, as od-… ids; needs contact:user.department:readonly"`
	Status        string   `json:"status,omitempty" desc:"now: active, not_activated (has never signed in), not_joined (was invited), frozen (suspended), exited (left by themselves), resigned; needs contact:user.employee:readonly"`
	Changes       []Change `json:"changes" desc:"what changed, by field, with the value before and now; empty if only fields changed that the app has no scope for"`
}

const fieldScopes = "Each field needs a scope of its own besides the one for the event: names contact:user.base:readonly, mail addresses " +
	"contact:user.email:readonly, departments contact:user.department:readonly, employment contact:user.employee:readonly. "

func userKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		keydef.Processed(eventcore.KeyDefinition{
			Key:         "contact.user.created_v3",
			DisplayName: "Person joined the company",
			Description: "Someone new was added to the company directory: a new colleague, whether added by an administrator or by an app. You get " +
				"their entry: ids, name, addresses, departments, leader, employment. " + fieldScopes +
				"It does not come for people who join a chat (im.chat.member.user.added_v1), nor for those who come to be visible to the app.",
			Keywords: []string{
				"new employee", "new hire", "onboarding", "employee created", "user created", "newcomer", "new joiner", "staff",
				"员工入职", "新员工", "入职", "新增员工", "通讯录", "新成员",
			},
			Params:          []eventcore.ParamDef{departmentParam("only people who are directly in this department")},
			NormalizeParams: normalizer("contact.user.created_v3"),
			Match:           matchPerson,
			Scopes:          scopes(),
			AuthTypes:       bot(),
		}, examples, processCreated),
		keydef.Processed(eventcore.KeyDefinition{
			Key:         "contact.user.updated_v3",
			DisplayName: "Person's directory entry changed",
			Description: "A colleague's entry in the company directory changed: department, leader, job title, name, telephone, mail address, status " +
				"and so on. You get who it is, and each field that changed with the value before and now; a new mail " +
				"address or telephone number comes as an event of its own. Only for people whom the app may see. " + fieldScopes +
				"People who join or leave the company come as contact.user.created_v3 and contact.user.deleted_v3.",
			Keywords: []string{
				"promotion", "transfer", "moved department", "new manager", "renamed", "user profile changed", "employee updated", "suspended",
				"员工信息变更", "员工信息被修改", "转岗", "调岗", "换部门", "职务变更", "通讯录",
			},
			Params: []eventcore.ParamDef{
				changedParam(userFields()),
				departmentParam("only people who are directly in this department now, or were before"),
			},
			NormalizeParams: normalizer("contact.user.updated_v3"),
			Match:           matchUpdate(matchPerson),
			Scopes:          scopes(),
			AuthTypes:       bot(),
		}, examples, processUpdated),
		keydef.Processed(eventcore.KeyDefinition{
			Key:         "contact.user.deleted_v3",
			DisplayName: "Person left the company",
			Description: "Someone left the company: their account was removed from the company directory. You get their last entry: ids, name, addresses, " +
				"the departments they were in, employment. " + fieldScopes +
				"It does not come for people who only leave a chat (im.chat.member.user.deleted_v1), nor for those suspended (contact.user.updated_v3).",
			Keywords: []string{
				"resigned", "offboarding", "employee deleted", "user deleted", "termination", "departed", "staff",
				"员工离职", "离职", "删除员工", "通讯录",
			},
			Params:          []eventcore.ParamDef{departmentParam("only people who were directly in this department")},
			NormalizeParams: normalizer("contact.user.deleted_v3"),
			Match:           matchPerson,
			Scopes:          scopes(),
			AuthTypes:       bot(),
		}, examples, processDeleted),
	}
}

// userEvent is the event of someone who joined or left. Where they left, only old_object has their departments.
type userEvent struct {
	Object    userObject `json:"object"`
	OldObject userObject `json:"old_object"`
}

func processCreated(_ context.Context, _ eventcore.APIClient, in *userEvent, _ map[string]string) (*Person, error) {
	person := in.Object.person()
	return person.named()
}

func processDeleted(_ context.Context, _ eventcore.APIClient, in *userEvent, _ map[string]string) (*Person, error) {
	person, before := in.Object.person(), in.OldObject.person()
	if len(person.DepartmentIDs) == 0 {
		person.DepartmentIDs = before.DepartmentIDs
	}
	if person.OpenID == "" {
		person.OpenID = before.OpenID
	}
	return person.named()
}

// named returns the person, or the error of an event that names none.
func (p *Person) named() (*Person, error) {
	if p.OpenID == "" && p.UserID == "" && p.UnionID == "" {
		return nil, keydef.NamesNo("person")
	}
	return p, nil
}

func processUpdated(_ context.Context, _ eventcore.APIClient, in *update, _ map[string]string) (*PersonUpdated, error) {
	var object userObject
	in.decode(&object)
	now := object.person()
	if _, err := now.named(); err != nil {
		return nil, err
	}
	return &PersonUpdated{
		OpenID: now.OpenID, UserID: now.UserID, Name: now.Name, DepartmentIDs: now.DepartmentIDs, Status: now.Status, Changes: in.changes(),
	}, nil
}
