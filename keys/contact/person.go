package contact

import (
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// Person is someone in the directory. Which fields there are depends on the scopes that the app has.
type Person struct {
	OpenID                  string          `json:"open_id,omitempty" kind:"open_id" desc:"the person's id for this app; the one to use with the API"`
	UnionID                 string          `json:"union_id,omitempty" kind:"union_id" desc:"the person's id for all apps of one developer"`
	UserID                  string          `json:"user_id,omitempty" kind:"user_id" desc:"the person's id in the company; needs the scope contact:user.employee_id:readonly"`
	Name                    string          `json:"name,omitempty" desc:"the name; needs contact:user.base:readonly, as en_name, nickname and enterprise_email do"`
	EnName                  string          `json:"en_name,omitempty" desc:"the English name"`
	Nickname                string          `json:"nickname,omitempty" desc:"the name the person goes by"`
	Email                   string          `json:"email,omitempty" desc:"the address; needs contact:user.email:readonly"`
	EnterpriseEmail         string          `json:"enterprise_email,omitempty" desc:"the address in the company's own mail"`
	Mobile                  string          `json:"mobile,omitempty" desc:"the telephone number; needs contact:user.phone:readonly"`
	JobTitle                string          `json:"job_title,omitempty" desc:"what the person is employed as"`
	DepartmentIDs           []string        `json:"department_ids,omitempty" kind:"open_department_id" desc:"the departments the person is in, as od-… ids; needs contact:user.department:readonly"`
	LeaderUserID            string          `json:"leader_user_id,omitempty" kind:"open_id" desc:"whom the person reports to; needs contact:user.department:readonly"`
	DottedLineLeaderUserIDs []string        `json:"dotted_line_leader_user_ids,omitempty" kind:"open_id" desc:"whom the person reports to besides; needs contact:user.dotted_line_leader_info.read"`
	Status                  string          `json:"status,omitempty" desc:"active, not_activated (has never signed in), not_joined (was invited), frozen (suspended), exited (left by themselves), resigned; needs contact:user.employee:readonly, as the rest does unless it says otherwise"`
	EmployeeNo              string          `json:"employee_no,omitempty" desc:"the number of the employment; needs contact:user.employee_number:read"`
	EmployeeType            string          `json:"employee_type,omitempty" desc:"regular, intern, outsourced, contractor, consultant; or a number for a type of the company's own"`
	JoinedAt                string          `json:"joined_at,omitempty" kind:"date-time" desc:"when the employment began"`
	City                    string          `json:"city,omitempty" desc:"where the person works"`
	Country                 string          `json:"country,omitempty" desc:"the country the person works in"`
	WorkStation             string          `json:"work_station,omitempty" desc:"the person's desk"`
	Avatar                  string          `json:"avatar,omitempty" desc:"a link to the picture"`
	CustomAttrs             json.RawMessage `json:"custom_attrs,omitempty" desc:"the company's own fields, each with id, type and value"`
}

// userObject is a person as the platform writes one (UserEvent in the SDK).
type userObject struct {
	OpenID                  keydef.Text     `json:"open_id"`
	UnionID                 keydef.Text     `json:"union_id"`
	UserID                  keydef.Text     `json:"user_id"`
	Name                    keydef.Text     `json:"name"`
	EnName                  keydef.Text     `json:"en_name"`
	Nickname                keydef.Text     `json:"nickname"`
	Email                   keydef.Text     `json:"email"`
	EnterpriseEmail         keydef.Text     `json:"enterprise_email"`
	Mobile                  keydef.Text     `json:"mobile"`
	JobTitle                keydef.Text     `json:"job_title"`
	DepartmentIDs           json.RawMessage `json:"department_ids"`
	LeaderUserID            keydef.Text     `json:"leader_user_id"`
	DottedLineLeaderUserIDs json.RawMessage `json:"dotted_line_leader_user_ids"`
	Status                  json.RawMessage `json:"status"`
	EmployeeNo              keydef.Text     `json:"employee_no"`
	EmployeeType            keydef.Text     `json:"employee_type"`
	JoinTime                keydef.Text     `json:"join_time"`
	City                    keydef.Text     `json:"city"`
	Country                 keydef.Text     `json:"country"`
	WorkStation             keydef.Text     `json:"work_station"`
	Avatar                  json.RawMessage `json:"avatar"`
	CustomAttrs             json.RawMessage `json:"custom_attrs"`
}

func (u *userObject) person() Person {
	return Person{
		OpenID: string(u.OpenID), UnionID: string(u.UnionID), UserID: string(u.UserID), Name: string(u.Name), EnName: string(u.EnName),
		Nickname: string(u.Nickname), Email: string(u.Email), EnterpriseEmail: string(u.EnterpriseEmail), Mobile: string(u.Mobile),
		JobTitle: string(u.JobTitle), DepartmentIDs: texts(u.DepartmentIDs), LeaderUserID: string(u.LeaderUserID),
		DottedLineLeaderUserIDs: texts(u.DottedLineLeaderUserIDs), Status: userStatus(u.Status), EmployeeNo: string(u.EmployeeNo),
		EmployeeType: employeeType(u.EmployeeType), JoinedAt: u.JoinTime.UTC(), City: string(u.City), Country: string(u.Country),
		WorkStation: string(u.WorkStation), Avatar: avatar(u.Avatar), CustomAttrs: unlessEmpty(u.CustomAttrs),
	}
}

// userStatus makes one word of the platform's flags, the one that matters most if several are set; empty if the app
// may not see them.
func userStatus(raw json.RawMessage) string {
	var flags struct {
		Frozen    keydef.Text `json:"is_frozen"`
		Resigned  keydef.Text `json:"is_resigned"`
		Activated keydef.Text `json:"is_activated"`
		Exited    keydef.Text `json:"is_exited"`
		Unjoin    keydef.Text `json:"is_unjoin"`
	}
	if unlessEmpty(raw) == nil || json.Unmarshal(raw, &flags) != nil {
		return ""
	}
	const yes = "true"
	switch {
	case flags.Resigned == yes:
		return "resigned"
	case flags.Exited == yes:
		return "exited"
	case flags.Frozen == yes:
		return "frozen"
	case flags.Unjoin == yes:
		return "not_joined"
	case flags.Activated == yes:
		return "active"
	}
	return "not_activated"
}

// employeeType is the word for a type that every company has; those of a company's own stay numbers.
func employeeType(number keydef.Text) string {
	switch number {
	case "0":
		return "" // not set
	case "1":
		return "regular"
	case "2":
		return "intern"
	case "3":
		return "outsourced"
	case "4":
		return "contractor"
	case "5":
		return "consultant"
	}
	return string(number)
}

// avatar is the link to the picture in a size that does for a list.
func avatar(raw json.RawMessage) string {
	var links struct {
		Small    keydef.Text `json:"avatar_240"`
		Original keydef.Text `json:"avatar_origin"`
	}
	if raw == nil || json.Unmarshal(raw, &links) != nil {
		return ""
	}
	if links.Small != "" {
		return string(links.Small)
	}
	return string(links.Original)
}

// texts reads a list of texts; anything else is none.
func texts(raw json.RawMessage) []string {
	var list []keydef.Text
	if raw == nil || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	plain := make([]string, len(list))
	for i, text := range list {
		plain[i] = string(text)
	}
	return plain
}

// unlessEmpty returns a value unless it says nothing.
func unlessEmpty(raw json.RawMessage) json.RawMessage {
	switch string(raw) {
	case "", "null", "[]", "{}", `""`:
		return nil
	}
	return raw
}
