package drive

import (
	"context"
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// FieldsChanged is the payload of drive.file.bitable_field_changed_v1.
type FieldsChanged struct {
	FileToken  string        `json:"file_token" kind:"app_token" desc:"the Base; use it with the API as app_token"`
	TableID    string        `json:"table_id,omitempty" kind:"table_id" desc:"the table the fields are in"`
	Revision   int64         `json:"revision,omitempty" desc:"the table's version after the change; it grows with every change"`
	OperatorID string        `json:"operator_id,omitempty" kind:"open_id" desc:"who changed them"`
	ChangedAt  string        `json:"changed_at,omitempty" kind:"date-time" desc:"when they changed"`
	Fields     []FieldChange `json:"fields" desc:"the fields that changed"`
}

// FieldChange is one field that changed.
type FieldChange struct {
	FieldID string     `json:"field_id" kind:"field_id"`
	Action  string     `json:"action" desc:"added, edited, or deleted"`
	Before  *FieldForm `json:"before,omitempty" desc:"what it was; absent for an added field"`
	After   *FieldForm `json:"after,omitempty" desc:"what it is; absent for a deleted field"`
}

// FieldForm is what a field is.
type FieldForm struct {
	Name        string          `json:"name,omitempty" desc:"its name, written by people and not to be trusted"`
	Type        string          `json:"type,omitempty" desc:"text, number, single_select, multi_select, date, checkbox, person, phone, url, attachment, link, two_way_link, lookup, formula, location, group, stage, created_time, modified_time, created_by, modified_by, auto_number, button; the platform's number if it is another"`
	Description string          `json:"description,omitempty" desc:"what people wrote about it"`
	Options     []string        `json:"options,omitempty" desc:"the names of the options of a field of type single_select or multi_select"`
	Property    json.RawMessage `json:"property,omitempty" desc:"its settings as the platform has them: formats, the linked table, the formula, option ids"`
}

type fieldsEvent struct {
	fileEvent
	Table    keydef.Text   `json:"table_id"`
	Revision keydef.Text   `json:"revision"`
	Time     keydef.Text   `json:"update_time"`
	Actions  []fieldAction `json:"action_list"`
}

type fieldAction struct {
	Field  keydef.Text `json:"field_id"`
	Action keydef.Text `json:"action"`
	Before *fieldForm  `json:"before_value"`
	After  *fieldForm  `json:"after_value"`
}

// fieldForm is a field as the event has it.
type fieldForm struct {
	Name        keydef.Text     `json:"name"`
	Type        keydef.Text     `json:"type"`
	Description keydef.Text     `json:"description"`
	Property    json.RawMessage `json:"property"`
}

func fieldsKey() eventcore.KeyDefinition {
	return watched(base(), withTable(keydef.Processed(eventcore.KeyDefinition{
		Key:         "drive.file.bitable_field_changed_v1",
		DisplayName: "Base fields changed",
		Description: "Fields (columns) of a table in one Base were added, edited or deleted: the table's structure changed, not its content. You get " +
			"the table, who changed it, and per field its name, type and settings before and after. Narrow it to one table with table_id. " +
			"Changes of values are drive.file.bitable_record_changed_v1." + forManagers,
		Keywords: []string{"bitable", "column", "schema", "多维表格", "字段变更", "新增字段", "列变更", "表结构"},
		Scopes:   []string{subscribeScope, baseScope},
	}, examples, fieldsChanged)))
}

func fieldsChanged(_ context.Context, _ eventcore.APIClient, in *fieldsEvent, _ map[string]string) (*FieldsChanged, error) {
	file, err := in.file()
	if err != nil {
		return nil, err
	}
	out := &FieldsChanged{
		FileToken: file.FileToken, TableID: string(in.Table), Revision: in.Revision.Int(), OperatorID: in.operator(),
		ChangedAt: in.Time.UTC(), Fields: []FieldChange{},
	}
	for _, action := range in.Actions {
		out.Fields = append(out.Fields, FieldChange{
			FieldID: string(action.Field), Action: actionWord("field_", action.Action),
			Before: action.Before.form(), After: action.After.form(),
		})
	}
	return out, nil
}

// form is the field as the payload has it; nil if there is none, which may come as an empty one.
func (f *fieldForm) form() *FieldForm {
	if f == nil || f.Name == "" && (f.Type == "" || f.Type == "0") {
		return nil
	}
	form := &FieldForm{Name: string(f.Name), Type: fieldType(f.Type), Description: string(f.Description)}
	var property struct {
		Options []struct {
			Name keydef.Text `json:"name"`
		} `json:"options"`
	}
	if json.Unmarshal(f.Property, &property) == nil {
		for _, option := range property.Options {
			form.Options = append(form.Options, string(option.Name))
		}
	}
	if text := string(f.Property); text != "" && text != "null" && text != "{}" {
		form.Property = f.Property
	}
	return form
}

// fieldTypes are the words for the numbers. Source: the field guide of bitable/v1.
var fieldTypes = map[keydef.Text]string{
	"1": "text", "2": "number", "3": "single_select", "4": "multi_select", "5": "date", "7": "checkbox", "11": "person",
	"13": "phone", "15": "url", "17": "attachment", "18": "link", "19": "lookup", "20": "formula", "21": "two_way_link",
	"22": "location", "23": "group", "24": "stage", "1001": "created_time", "1002": "modified_time", "1003": "created_by",
	"1004": "modified_by", "1005": "auto_number", "3001": "button",
}

func fieldType(number keydef.Text) string {
	if word, ok := fieldTypes[number]; ok {
		return word
	}
	return string(number)
}
