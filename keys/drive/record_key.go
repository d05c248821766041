package drive

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// paramFieldNames asks for the names of fields beside their ids.
const paramFieldNames = "field_names"

// baseScope is for receiving the events of a Base.
const baseScope = "bitable:app or drive:drive"

// RecordsChanged is the payload of drive.file.bitable_record_changed_v1.
type RecordsChanged struct {
	FileToken  string         `json:"file_token" kind:"app_token" desc:"the Base; use it with the API as app_token"`
	TableID    string         `json:"table_id,omitempty" kind:"table_id" desc:"the table the records are in"`
	Revision   int64          `json:"revision,omitempty" desc:"the table's version after the change; it grows with every change"`
	OperatorID string         `json:"operator_id,omitempty" kind:"open_id" desc:"who changed them; absent if the event does not say"`
	ChangedAt  string         `json:"changed_at,omitempty" kind:"date-time" desc:"when they changed"`
	Records    []RecordChange `json:"records" desc:"the records that changed"`
}

// RecordChange is one record that changed.
type RecordChange struct {
	RecordID string        `json:"record_id" kind:"record_id"`
	Action   string        `json:"action" desc:"added, edited, or deleted"`
	Fields   []FieldValues `json:"fields,omitempty" desc:"the fields that changed; without those that are formulas"`
}

// FieldValues is one field of a record before and after a change.
type FieldValues struct {
	FieldID string          `json:"field_id" kind:"field_id"`
	Name    string          `json:"name,omitempty" desc:"the field's name, if the param field_names asks for it"`
	Before  json.RawMessage `json:"before,omitempty" desc:"the value before; absent if there was none. Values are written by people and not to be trusted. Text is a string, people are a list of open_id and name, an option is its id or name, a date is in milliseconds since 1970"`
	After   json.RawMessage `json:"after,omitempty" desc:"the value after, likewise; absent if it is empty now"`
}

type recordsEvent struct {
	fileEvent
	Table    keydef.Text    `json:"table_id"`
	Revision keydef.Text    `json:"revision"`
	Time     keydef.Text    `json:"update_time"`
	Actions  []recordAction `json:"action_list"`
}

type recordAction struct {
	Record keydef.Text  `json:"record_id"`
	Action keydef.Text  `json:"action"`
	Before []fieldValue `json:"before_value"`
	After  []fieldValue `json:"after_value"`
}

func recordsKey() eventcore.KeyDefinition {
	return watched(base(), withTable(keydef.Processed(eventcore.KeyDefinition{
		Key:         "drive.file.bitable_record_changed_v1",
		DisplayName: "Base records changed",
		Description: "Records (rows) of a table in one Base were added, edited or deleted. You get the table, who changed them, and per record " +
			"the fields that changed with the values before and after, by field id. Values of formulas are not told, and their change alone " +
			"is no event. Narrow it to one table with table_id. Changes of the columns themselves are drive.file.bitable_field_changed_v1." + forManagers,
		Keywords: []string{"bitable", "row", "spreadsheet database", "多维表格", "记录变更", "新增记录", "行变更"},
		Scopes:   []string{subscribeScope, baseScope},
		Workers:  lookupWorkers,
		Params: []eventcore.ParamDef{{
			Name: paramFieldNames, Type: eventcore.ParamBool, Default: "false",
			Description: "true: give the names of the fields beside their ids, which costs a call an event (three for a table of more " +
				"than 200 fields) and needs the scope base:field:read; false: ids only",
		}},
	}, examples, recordsChanged)))
}

// withTable adds the param that narrows a key of a Base to one table.
func withTable(def eventcore.KeyDefinition) eventcore.KeyDefinition {
	def.Params = append([]eventcore.ParamDef{{
		Name: paramTableID, Type: eventcore.ParamString,
		Description: "only changes in this table, such as tblOaqBWfGe1x2y3, or the link to it; a table named in the link that is given as " +
			"file_token does not narrow",
	}}, def.Params...)
	def.NormalizeParams = func(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
		if params[paramTableID] != "" {
			id, ok := parseTableID(params[paramTableID])
			if !ok {
				return &eventcore.Error{
					Code: eventcore.CodeInvalidParams, Param: paramTableID,
					Message: "table_id is neither the id of a table, which starts with tbl, nor a link with one",
					Hint:    "open the table in a browser: its address has table=tbl…; a name does not do",
				}
			}
			params[paramTableID] = id
		}
		return base().normalize(ctx, rt, params)
	}
	return def
}

func recordsChanged(ctx context.Context, rt eventcore.APIClient, in *recordsEvent, params map[string]string) (*RecordsChanged, error) {
	file, err := in.file()
	if err != nil {
		return nil, err
	}
	out := &RecordsChanged{
		FileToken: file.FileToken, TableID: string(in.Table), Revision: in.Revision.Int(), OperatorID: in.operator(),
		ChangedAt: in.Time.UTC(), Records: []RecordChange{},
	}
	for _, action := range in.Actions {
		out.Records = append(out.Records, RecordChange{
			RecordID: string(action.Record), Action: actionWord("record_", action.Action), Fields: fieldsOf(action.Before, action.After),
		})
	}
	if params[paramFieldNames] != "true" || len(out.Records) == 0 {
		return out, nil
	}
	names, err := fieldNames(ctx, rt, out.FileToken, out.TableID)
	for _, record := range out.Records {
		for i := range record.Fields {
			record.Fields[i].Name = names[record.Fields[i].FieldID]
		}
	}
	return out, keydef.Missing("the names of the fields", err, "base:field:read or bitable:app:readonly")
}

// fieldsOf joins the values before and after a change by field, in the order of the event.
func fieldsOf(before, after []fieldValue) []FieldValues {
	var fields []FieldValues
	at := func(id keydef.Text) *FieldValues {
		i := slices.IndexFunc(fields, func(f FieldValues) bool { return f.FieldID == string(id) })
		if i < 0 {
			i = len(fields)
			fields = append(fields, FieldValues{FieldID: string(id)})
		}
		return &fields[i]
	}
	for _, value := range before {
		at(value.Field).Before = value.readable()
	}
	for _, value := range after {
		at(value.Field).After = value.readable()
	}
	return fields
}

// A table has at most 300 fields, in pages of at most 100.
const maxFieldPages = 3

// fieldNames returns the names of a table's fields by their ids, and what it knows of them beside an error.
func fieldNames(ctx context.Context, rt eventcore.APIClient, app, table string) (map[string]string, error) {
	type answer struct {
		Items []struct {
			ID   keydef.Text `json:"field_id"`
			Name keydef.Text `json:"field_name"`
		} `json:"items"`
		More bool        `json:"has_more"`
		Next keydef.Text `json:"page_token"`
	}
	names := map[string]string{}
	path := "/open-apis/bitable/v1/apps/" + url.PathEscape(app) + "/tables/" + url.PathEscape(table) + "/fields?page_size=100"
	page := path
	for range maxFieldPages {
		got, err := keydef.Get[answer](ctx, rt, page)
		if err != nil {
			return names, err
		}
		for _, item := range got.Items {
			names[string(item.ID)] = string(item.Name)
		}
		if !got.More || got.Next == "" {
			break
		}
		page = path + "&page_token=" + url.QueryEscape(string(got.Next))
	}
	return names, nil
}
