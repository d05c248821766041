package contact

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const (
	paramDepartmentID = "department_id"
	paramChanged      = "changed"
	rootDepartment    = "0"
	departmentPrefix  = "od-"
)

func departmentParam(what string) eventcore.ParamDef {
	return eventcore.ParamDef{
		Name: paramDepartmentID, Type: eventcore.ParamString,
		Description: what + ": an open_department_id such as od-4e6ac4d14bcd5071a37a39de902c7141, or 0 for the company itself. Needs the scope " +
			"that lets the app see departments; an event that tells of none passes",
	}
}

func changedParam(fields []eventcore.ParamValue) eventcore.ParamDef {
	return eventcore.ParamDef{
		Name: paramChanged, Type: eventcore.ParamMulti, Values: fields,
		Description: "only events in which at least one of these fields changed; without it, any. Needs the fields' scopes: " +
			"what the app may not see never counts as changed",
	}
}

func userFields() []eventcore.ParamValue {
	return []eventcore.ParamValue{
		{Value: "name", Desc: "the name"},
		{Value: "en_name", Desc: "the English name"},
		{Value: "nickname", Desc: "the name the person goes by"},
		{Value: "email", Desc: "the mail address"},
		{Value: "enterprise_email", Desc: "the address in the company's own mail"},
		{Value: "mobile", Desc: "the telephone number"},
		{Value: "department_ids", Desc: "the departments: moves between teams"},
		{Value: "leader_user_id", Desc: "whom the person reports to"},
		{Value: "dotted_line_leader_user_ids", Desc: "whom the person reports to besides"},
		{Value: "job_title", Desc: "what the person is employed as: promotions and the like"},
		{Value: "job_level_id", Desc: "the level of the job"},
		{Value: "job_family_id", Desc: "the family of the job"},
		{Value: "status", Desc: "whether the account is active, suspended or left"},
		{Value: "employee_no", Desc: "the number of the employment"},
		{Value: "employee_type", Desc: "the kind of employment, such as regular or intern"},
		{Value: "join_time", Desc: "when the employment began"},
		{Value: "city", Desc: "where the person works"},
		{Value: "country", Desc: "the country the person works in"},
		{Value: "work_station", Desc: "the desk"},
		{Value: "gender", Desc: "the gender"},
		{Value: "avatar", Desc: "the picture"},
		{Value: "orders", Desc: "the place in the lists of departments"},
		{Value: "custom_attrs", Desc: "the company's own fields"},
	}
}

func departmentFields() []eventcore.ParamValue {
	return []eventcore.ParamValue{
		{Value: "name", Desc: "the name"},
		{Value: "parent_department_id", Desc: "the department above it: moves within the company"},
		{Value: "leader_user_id", Desc: "who leads it"},
		{Value: "leaders", Desc: "who leads it, deputies included"},
		{Value: "chat_id", Desc: "its group"},
		{Value: "department_id", Desc: "the id the company gave it"},
		{Value: "order", Desc: "its place among its neighbours"},
		{Value: "status", Desc: "whether it is deleted"},
		{Value: "department_hrbps", Desc: "its partners in human resources"},
	}
}

// normalizer refuses what is no department, because a subscription for it would wait for ever without a word.
func normalizer(key string) func(context.Context, eventcore.APIClient, map[string]string) error {
	return func(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
		id := strings.TrimSpace(params[paramDepartmentID])
		if id == "" {
			delete(params, paramDepartmentID)
			return nil
		}
		if id != rootDepartment && !strings.HasPrefix(id, departmentPrefix) {
			return &eventcore.Error{
				Code: eventcore.CodeInvalidParams, Param: paramDepartmentID,
				Message: fmt.Sprintf("param %q of %s must be an open_department_id, which starts with %s, or 0", paramDepartmentID, key, departmentPrefix),
				Hint:    "search the directory for the department and take its open_department_id; a name or the company's own id does not do",
			}
		}
		params[paramDepartmentID] = id
		return nil
	}
}

// matchPerson reports whether a person is or was in the department asked for. An event that cannot be read, or that
// tells of no department, passes rather than being lost.
func matchPerson(raw *eventcore.RawEvent, params map[string]string) bool {
	wanted := params[paramDepartmentID]
	if wanted == "" {
		return true
	}
	event, err := keydef.Decode[userEvent](raw)
	if err != nil {
		return true
	}
	departments := append(texts(event.Object.DepartmentIDs), texts(event.OldObject.DepartmentIDs)...)
	return len(departments) == 0 || slices.Contains(departments, wanted)
}

// matchDepartment reports whether a department is the one asked for, or is or was directly below it.
func matchDepartment(raw *eventcore.RawEvent, params map[string]string) bool {
	wanted := keydef.Text(params[paramDepartmentID])
	if wanted == "" {
		return true
	}
	event, err := keydef.Decode[departmentEvent](raw)
	if err != nil {
		return true
	}
	now, before := &event.Object, &event.OldObject
	known := now.ParentDepartmentID != "" || before.ParentDepartmentID != ""
	return !known || slices.Contains([]keydef.Text{
		now.OpenDepartmentID, before.OpenDepartmentID, now.ParentDepartmentID, before.ParentDepartmentID,
	}, wanted)
}

// matchUpdate adds to match that one of the fields asked for changed.
func matchUpdate(match func(*eventcore.RawEvent, map[string]string) bool) func(*eventcore.RawEvent, map[string]string) bool {
	return func(raw *eventcore.RawEvent, params map[string]string) bool {
		if !match(raw, params) {
			return false
		}
		wanted := params[paramChanged]
		if wanted == "" {
			return true
		}
		event, err := keydef.Decode[update](raw)
		if err != nil {
			return true
		}
		fields := strings.Split(wanted, ",")
		return slices.ContainsFunc(event.changes(), func(c Change) bool { return slices.Contains(fields, c.Field) })
	}
}
