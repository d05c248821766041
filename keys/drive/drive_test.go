package drive

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const (
	docToken  = "TLLKdcpDro9ijQxA33ycNMabcef"
	baseToken = "K5EhbDdEKa8wbJsTCpmcmeVwnHc"
	meta      = "POST /open-apis/drive/v1/metas/batch_query"
	metas     = `{"metas":[{"doc_token":"TLLKdcpDro9ijQxA33ycNMabcef","doc_type":"docx","title":"Weekly <report> & plan","url":"https://acme.feishu.cn/docx/TLLKdcpDro9ijQxA33ycNMabcef"}]}`
	comments  = "POST /open-apis/drive/v1/files/" + docToken + "/comments/batch_query?file_type=docx&user_id_type=open_id"
	fields    = "GET /open-apis/bitable/v1/apps/" + baseToken + "/tables/tblOaqBWfGe1x2y3/fields?page_size=100"
)

const thread = `{"items":[{"comment_id":"7618859513273112345","quote":"Revenue grew by 12 %","is_solved":false,"is_whole":false,"has_more":false,"reply_list":{"replies":[
	{"reply_id":"7618859513273112345","user_id":"ou_1","create_time":1767339000,"content":{"elements":[{"type":"text_run","text_run":{"text":"Is this right?"}}]}},
	{"reply_id":"7618859513273119999","user_id":"ou_84aad35d084aa403a838cf73ee18467","create_time":1767340000,"content":{"elements":[
		{"type":"person","person":{"user_id":"ou_2b7e151628aed2a6abf7158809cf4f3c"}},
		{"type":"text_run","text_run":{"content":" <see> "}},
		{"type":"docs_link","docs_link":{"url":"https://acme.feishu.cn/docx/X1"}},
		{"type":"person","person":{"user_id":"ou_2b7e151628aed2a6abf7158809cf4f3c"}}]},
		"extra":{"image_list":["boxbcImage1"]}}]}}]}`

func key(t *testing.T, name string) eventcore.KeyDefinition {
	t.Helper()
	for _, def := range Keys() {
		if def.Key == name {
			return def
		}
	}
	t.Fatalf("no key %s", name)
	return eventcore.KeyDefinition{}
}

func answers() map[string]string {
	return map[string]string{
		meta: metas, comments: thread,
		fields:                       `{"items":[{"field_id":"fld9EText1","field_name":"Title"}],"has_more":true,"page_token":"p/2"}`,
		fields + "&page_token=p%2F2": `{"items":[{"field_id":"fldNumber2","field_name":"Sum"}],"has_more":false}`,
	}
}

func TestExamplesSatisfyTheirSchemas(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestRecordedEvents(t *testing.T) {
	calls := map[string][]string{}
	body := func(token, kind string) string {
		return meta + ` {"request_docs":[{"doc_token":"` + token + `","doc_type":"` + kind + `"}],"with_url":true}`
	}
	for _, name := range []string{"created_in_folder", "title_updated", "permission_member_added", "permission_member_removed", "permission_member_applied"} {
		calls["drive.file."+name+"_v1"] = []string{body(docToken, "docx")}
	}
	calls["drive.file.edit_v1"] = []string{body(docToken, "sheet")}
	calls[commentAdded] = []string{body(docToken, "docx"), comments + ` {"comment_ids":["7618859513273112345"]}`}
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			api := &keytest.API{Answers: answers()}
			if _, err := keytest.Golden(t, def, api, def.Key, nil); err != nil {
				t.Error(err)
			}
			api.Want(t, calls[def.Key]...)
		})
	}
}

func TestFieldNamesAreLookedUpIfAskedFor(t *testing.T) {
	def := key(t, "drive.file.bitable_record_changed_v1")
	params := map[string]string{paramFieldNames: "true"}
	api := &keytest.API{Answers: answers()}
	data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), params)
	if err != nil || !strings.Contains(string(data), `"field_id":"fldNumber2","name":"Sum"`) {
		t.Errorf("%s, %v", data, err)
	}
	api.Want(t, fields, fields+"&page_token=p%2F2")

	api = &keytest.API{Answers: map[string]string{fields: answers()[fields]}, Refuse: keytest.Denied()}
	data, err = def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), params)
	if !strings.Contains(string(data), `"name":"Title"`) || !eventcore.IsCode(err, eventcore.CodePermissionDenied) {
		t.Errorf("with the second page refused: %s, %v", data, err)
	}
	keytest.Validate(t, def, data)
}

func TestRefusedLookupsLeaveTheEvent(t *testing.T) {
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			params := map[string]string{paramFieldNames: "true"}
			for _, api := range []eventcore.APIClient{nil, &keytest.API{Refuse: keytest.Denied()}} {
				data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), params)
				keytest.Validate(t, def, data)
				if !strings.Contains(string(data), docToken) && !strings.Contains(string(data), baseToken) {
					t.Errorf("the file is missing in %s", data)
				}
				if def.Workers == 0 {
					if err != nil {
						t.Errorf("a key without lookups gives %v", err)
					}
					continue
				}
				if err == nil || !strings.Contains(err.Error(), "could not be looked up") {
					t.Fatalf("the error is %v", err)
				}
				if failure := eventcore.AsError(err); api != nil && (len(failure.Scopes) == 0 || failure.Code != eventcore.CodePermissionDenied) {
					t.Errorf("the error names no scope: %+v", failure)
				}
			}
		})
	}
}

func TestCommentWithoutItsText(t *testing.T) {
	def := key(t, commentAdded)
	api := &keytest.API{Answers: map[string]string{meta: metas}, Refuse: keytest.Denied()}
	data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
	failure := eventcore.AsError(err)
	if !strings.Contains(string(data), "Weekly") || !strings.Contains(failure.Message, "the text of the comment") || !slices.Equal(failure.Scopes, []string{"docs:document.comment:read"}) {
		t.Errorf("%s, %+v", data, failure)
	}
}

func TestMetadataThatThePlatformDoesNotGive(t *testing.T) {
	def := key(t, "drive.file.title_updated_v1")
	for answer, want := range map[string]string{
		`{"failed_list":[{"token":"` + docToken + `","code":970003}]}`: docToken + " (code 970003)",
		`{}`: "unknown to it",
		`[]`: "cannot be read",
	} {
		data, err := def.Process(t.Context(), &keytest.API{Answers: map[string]string{meta: answer}}, keytest.Recorded(t, def, def.Key), nil)
		if !strings.Contains(string(data), docToken) || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", answer, data, err)
		}
	}
}

func TestOneOperatorUnderTheNameOfTheList(t *testing.T) {
	raw := &eventcore.RawEvent{Payload: []byte(`{"event":{"file_token":"T","file_type":"docx","operator_id_list":{"open_id":"ou_1"}}}`)}
	data, err := key(t, "drive.file.trashed_v1").Process(t.Context(), nil, raw, nil)
	if err != nil || !strings.Contains(string(data), `"operator_id":"ou_1"`) {
		t.Errorf("%s, %v", data, err)
	}
}

// broken are events that no key may choke on.
var broken = []string{
	``, `x`, `null`, `[]`, `{}`, `{"event":null}`, `{"event":[]}`, `{"event":{}}`, `{"event":{"file_token":"T"}}`,
	`{"event":{"file_token":["T"],"file_type":7,"operator_id":"ou_1","operator_id_list":[null,1,{}],"user_list":7,"chat_list":{"a":1}}}`,
	`{"event":{"file_token":"T","update_time":"soon","revision":-1.5,"action_list":[{}]}}`,
	`{"event":{"file_token":"T","action_list":[{"before_value":[{}],"after_value":[{"field_value":"[{}]"},{"field_value":{"a":1}}]}]}}`,
	`{"event":{"file_token":"T","action_list":[{"before_value":{"property":7,"name":1},"after_value":{"type":"x"}}]}}`,
	`{"event":{"file_token":"T","action_list":"none"}}`,
	`{"event":{"notice_meta":{"file_token":"T"},"comment_id":7,"is_mentioned":"yes"}}`,
	`{"event":{"notice_meta":[],"comment_id":"7"}}`,
}

func TestBrokenEventsAreNeverLost(t *testing.T) {
	for _, def := range Keys() {
		for _, payload := range broken {
			neverLost(t, def, payload)
		}
	}
}

func FuzzEvents(f *testing.F) {
	for _, payload := range broken {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		for _, def := range Keys() {
			neverLost(t, def, payload)
		}
	})
}

func neverLost(t *testing.T, def eventcore.KeyDefinition, payload string) {
	t.Helper()
	raw := &eventcore.RawEvent{Payload: json.RawMessage(payload)}
	params := map[string]string{paramFileToken: "T", paramTableID: "", paramMentionsMe: "true", paramFieldNames: "true"}
	def.Match(raw, params)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing is waited for
	data, err := def.Process(ctx, &keytest.API{Answers: map[string]string{meta: `{}`}}, raw, params)
	if data == nil && err == nil {
		t.Errorf("%s drops %s", def.Key, payload)
	}
	if data != nil {
		keytest.Validate(t, def, data)
	}
}
