package contact

import (
	"context"
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// Department is a department in the directory. Which fields there are depends on the scopes that the app has.
type Department struct {
	OpenDepartmentID   string   `json:"open_department_id,omitempty" kind:"open_department_id" desc:"the department's id for apps, od-…; the one to use with the API"`
	DepartmentID       string   `json:"department_id,omitempty" kind:"department_id" desc:"the id the company gave the department; needs contact:department.base:readonly, as name and leader_user_id do"`
	Name               string   `json:"name,omitempty" desc:"the name"`
	ParentDepartmentID string   `json:"parent_department_id,omitempty" kind:"open_department_id" desc:"the department above it, od-…, or 0 for the company itself; needs contact:department.organize:readonly, as chat_id, leaders and deputies do"`
	LeaderUserID       string   `json:"leader_user_id,omitempty" kind:"open_id" desc:"who leads it"`
	Deputies           []string `json:"deputies,omitempty" kind:"open_id" desc:"who leads it besides"`
	ChatID             string   `json:"chat_id,omitempty" kind:"chat_id" desc:"the department's group"`
}

// DepartmentUpdated is a department that changed.
type DepartmentUpdated struct {
	Department
	Changes []Change `json:"changes" desc:"what changed, by field, with the value before and now; empty if only fields changed that the app has no scope for"`
}

// departmentObject is a department as the platform writes one (DepartmentEvent in the SDK).
type departmentObject struct {
	OpenDepartmentID   keydef.Text     `json:"open_department_id"`
	DepartmentID       keydef.Text     `json:"department_id"`
	Name               keydef.Text     `json:"name"`
	ParentDepartmentID keydef.Text     `json:"parent_department_id"`
	LeaderUserID       keydef.Text     `json:"leader_user_id"`
	Leaders            json.RawMessage `json:"leaders"`
	ChatID             keydef.Text     `json:"chat_id"`
}

// deputy is the type of those leaders who are not the first.
const deputy = 2

func (d *departmentObject) department() Department {
	out := Department{
		OpenDepartmentID: string(d.OpenDepartmentID), DepartmentID: string(d.DepartmentID), Name: string(d.Name),
		ParentDepartmentID: string(d.ParentDepartmentID), LeaderUserID: string(d.LeaderUserID), ChatID: string(d.ChatID),
	}
	var leaders []struct {
		Type keydef.Text `json:"leaderType"`
		ID   keydef.Text `json:"leaderID"`
	}
	if d.Leaders == nil || json.Unmarshal(d.Leaders, &leaders) != nil {
		return out
	}
	for _, leader := range leaders {
		switch {
		case leader.Type.Int() == deputy:
			out.Deputies = append(out.Deputies, string(leader.ID))
		case out.LeaderUserID == "":
			out.LeaderUserID = string(leader.ID)
		}
	}
	return out
}

const departmentScopes = "Names and leaders need the scope contact:department.base:readonly, the place in the company and the group " +
	"contact:department.organize:readonly, besides the one for the event. "

func departmentKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		keydef.Processed(eventcore.KeyDefinition{
			Key:         "contact.department.created_v3",
			DisplayName: "Department created",
			Description: "A department was added to the company directory. You get its ids, name, the department above it, who leads it, and its group. " +
				departmentScopes + "It tells of the department alone: people who move into it come as contact.user.updated_v3.",
			Keywords:        []string{"new team", "org chart", "organization", "organisation", "reorganisation", "部门创建", "新建部门", "部门新建", "组织架构", "通讯录"},
			Params:          []eventcore.ParamDef{departmentParam("only departments directly below this one")},
			NormalizeParams: normalizer("contact.department.created_v3"),
			Match:           matchDepartment,
			Scopes:          scopes(),
			AuthTypes:       bot(),
		}, examples, processDepartment),
		keydef.Processed(eventcore.KeyDefinition{
			Key:         "contact.department.updated_v3",
			DisplayName: "Department changed",
			Description: "A department in the company directory was renamed, moved below another one, or got another leader, group or place in the list. " +
				"You get the department, and each field that changed with the value before and now. " + departmentScopes +
				"People who come or go are not covered: take contact.user.updated_v3.",
			Keywords: []string{"team renamed", "org chart", "organization", "organisation", "reorganisation", "new head", "部门变更", "部门信息变化", "部门改名", "组织架构", "通讯录"},
			Params: []eventcore.ParamDef{
				changedParam(departmentFields()),
				departmentParam("only this department and those directly below it, now or before"),
			},
			NormalizeParams: normalizer("contact.department.updated_v3"),
			Match:           matchUpdate(matchDepartment),
			Scopes:          scopes(),
			AuthTypes:       bot(),
		}, examples, processDepartmentUpdated),
		keydef.Processed(eventcore.KeyDefinition{
			Key:         "contact.department.deleted_v3",
			DisplayName: "Department deleted",
			Description: "A department was removed from the company directory. You get its ids and, as far as the platform still tells, its last name, " +
				"the department that was above it and who led it; it can no longer be looked up. " + departmentScopes +
				"A department is deleted only once nobody is in it: those who were come as contact.user.updated_v3 before.",
			Keywords:        []string{"team dissolved", "org chart", "organization", "organisation", "reorganisation", "部门删除", "删除部门", "部门被删除", "组织架构", "通讯录"},
			Params:          []eventcore.ParamDef{departmentParam("only this department and those directly below it")},
			NormalizeParams: normalizer("contact.department.deleted_v3"),
			Match:           matchDepartment,
			Scopes:          scopes(),
			AuthTypes:       bot(),
		}, examples, processDepartment),
	}
}

// departmentEvent is the event of a department that came or went.
type departmentEvent struct {
	Object    departmentObject `json:"object"`
	OldObject departmentObject `json:"old_object"`
}

func processDepartment(_ context.Context, _ eventcore.APIClient, in *departmentEvent, _ map[string]string) (*Department, error) {
	out := in.Object.department()
	if out.OpenDepartmentID == "" {
		out.OpenDepartmentID = string(in.OldObject.OpenDepartmentID)
	}
	return out.named()
}

// named returns the department, or the error of an event that names none.
func (d *Department) named() (*Department, error) {
	if d.OpenDepartmentID == "" && d.DepartmentID == "" {
		return nil, keydef.NamesNo("department")
	}
	return d, nil
}

func processDepartmentUpdated(_ context.Context, _ eventcore.APIClient, in *update, _ map[string]string) (*DepartmentUpdated, error) {
	var object departmentObject
	in.decode(&object)
	now := object.department()
	if _, err := now.named(); err != nil {
		return nil, err
	}
	return &DepartmentUpdated{Department: now, Changes: in.changes()}, nil
}
