package drive

import (
	"maps"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const (
	edit    = "drive.file.edit_v1"
	records = "drive.file.bitable_record_changed_v1"
	created = "drive.file.created_in_folder_v1"
	wiki    = "GET /open-apis/wiki/v2/spaces/get_node?token="
)

// resolve does with params what happens before the first hook and NormalizeParams.
func resolve(t *testing.T, def eventcore.KeyDefinition, api eventcore.APIClient, given map[string]any) (map[string]string, error) {
	t.Helper()
	params, err := eventcore.ResolveParams(&def, given)
	if err != nil {
		return nil, err
	}
	return params, def.NormalizeParams(t.Context(), api, params)
}

func TestFilesAreNamedByLinkOrToken(t *testing.T) {
	api := &keytest.API{Answers: map[string]string{
		wiki + "Wiki0PageToken":              `{"node":{"obj_token":"BaseToken0123","obj_type":"bitable"}}`,
		wiki + "wikcnKQ1k3pcuo5uSK4t8VN6kVf": `{"node":{"obj_token":"BaseToken0123","obj_type":"bitable"}}`,
	}}
	tests := []struct{ key, text, given, token, kind string }{
		{edit, "https://x.feishu.cn/docx/TOKEN", "", "TOKEN", "docx"},
		{edit, " <https://x.larksuite.com/docx/" + docToken + "?from=from_copylink#part> ", "", docToken, "docx"},
		{edit, "x.feishu.cn/sheets/shtcnmBA0123456789?sheet=8fe9d6", "", "shtcnmBA0123456789", "sheet"},
		{edit, "https://x.feishu.cn/base/" + baseToken + "?table=tblOaqBWfGe1x2y3&view=vewX", "", baseToken, "bitable"},
		{edit, "https://x.feishu.cn/docs/doccn0123456789abcdef", "", "doccn0123456789abcdef", "doc"},
		{edit, "https://x.feishu.cn/file/BoxToken01", "", "BoxToken01", "file"},
		{edit, "https://x.feishu.cn/slides/SldToken01", "", "SldToken01", "slides"},
		{edit, "https://x.feishu.cn/wiki/Wiki0PageToken?fromScene=spaceOverview", "", "BaseToken0123", "bitable"},
		{edit, "https://x.feishu.cn/docx/" + docToken, "sheet", docToken, "docx"}, // the link knows better
		{edit, "Wiki0PageToken", "wiki", "BaseToken0123", "bitable"},
		{edit, " " + docToken + " ", "docx", docToken, "docx"},
		{edit, "doxcnBKgoMyY5OMbUG6FioTXuBe", "", "doxcnBKgoMyY5OMbUG6FioTXuBe", "docx"},
		{records, baseToken, "", baseToken, "bitable"},
		{records, "wikcnKQ1k3pcuo5uSK4t8VN6kVf", "", "BaseToken0123", "bitable"},
		{records, "https://x.feishu.cn/wiki/Wiki0PageToken?table=tblOaqBWfGe1x2y3", "", "BaseToken0123", "bitable"},
		{created, "https://x.feishu.cn/drive/folder/fldcnFolder01", "", "fldcnFolder01", "folder"},
		{created, "Z3LbfVQD1lyRXddnfXqcXRWYnKd", "", "Z3LbfVQD1lyRXddnfXqcXRWYnKd", "folder"},
		{created, "https://x.feishu.cn/drive/shared/folder/Z3LbfVQD1l", "folder", "Z3LbfVQD1l", "folder"},
	}
	for _, tt := range tests {
		given := map[string]any{paramFileToken: tt.text}
		if tt.given != "" {
			given[paramFileType] = tt.given
		}
		params, err := resolve(t, key(t, tt.key), api, given)
		if err != nil || params[paramFileToken] != tt.token || params[paramFileType] != tt.kind {
			t.Errorf("%s %q: %v, %v", tt.key, tt.text, params, err)
		}
		if params[paramTableID] != "" {
			t.Errorf("%q narrows to %s", tt.text, params[paramTableID])
		}
	}
}

func TestTheSameFileIsTheSameSubscription(t *testing.T) {
	def := key(t, records)
	identity := func(given map[string]any) string {
		params, err := resolve(t, def, nil, given)
		if err != nil {
			t.Fatal(err)
		}
		return eventcore.SubscriptionIdentity(&def, params)
	}
	link := identity(map[string]any{paramFileToken: "https://x.feishu.cn/base/" + baseToken})
	if token := identity(map[string]any{paramFileToken: baseToken, paramTableID: "tblOaqBWfGe1x2y3"}); token != link {
		t.Error("a link, and a token narrowed to a table, are two subscriptions")
	}
	edits := key(t, edit)
	params, err := resolve(t, edits, nil, map[string]any{paramFileToken: "https://x.feishu.cn/base/" + baseToken})
	if err != nil || eventcore.SubscriptionIdentity(&edits, params) != link {
		t.Errorf("two keys of one file, %v: two subscriptions, and the first that ends ends the other's events", err)
	}
	if identity(map[string]any{paramFileToken: docToken}) == link {
		t.Error("two files are one subscription")
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	api := &keytest.API{
		Answers: map[string]string{wiki + "WikiDoc0001": `{"node":{"obj_token":"Doc000000001","obj_type":"docx"}}`, wiki + "WikiNone001": `{}`},
		Refuse:  keytest.Denied(),
	}
	tests := []struct {
		key, text, table string
		code             eventcore.Code
		param, says      string
	}{
		{edit, "Weekly report", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, "周报", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, " ", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, "%zz", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, "https://x.feishu.cn/wiki/settings/7123", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, "https://x.feishu.cn/docx/", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, "https://x.feishu.cn/docx/..%2F..%2FTOKEN", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{edit, docToken, "", eventcore.CodeInvalidParams, paramFileType, "file_type as well"},
		{edit, "https://x.feishu.cn/drive/folder/fldcnFolder01", "", eventcore.CodeInvalidParams, paramFileToken, created},
		{records, "https://x.feishu.cn/docx/" + docToken, "", eventcore.CodeInvalidParams, paramFileToken, "a Base"},
		{records, "https://x.feishu.cn/wiki/WikiDoc0001", "", eventcore.CodeInvalidParams, paramFileToken, "a Base"},
		{created, "https://x.feishu.cn/docx/" + docToken, "", eventcore.CodeInvalidParams, paramFileToken, "a folder"},
		{created, "https://x.feishu.cn/wiki/WikiDoc0001", "", eventcore.CodeInvalidParams, paramFileToken, "a folder"},
		{edit, "https://x.feishu.cn/wiki/WikiNone001", "", eventcore.CodePlatformError, paramFileToken, "names no document"},
		{edit, "https://x.feishu.cn/wiki/WikiDenied1", "", eventcore.CodePermissionDenied, "", "wiki:node:read"},
		{records, baseToken, "Sheet one", eventcore.CodeInvalidParams, paramTableID, "starts with tbl"},
		{commentAdded, "Weekly report", "", eventcore.CodeInvalidParams, paramFileToken, "neither a link"},
		{commentAdded, "https://x.feishu.cn/wiki/WikiDenied1", "", eventcore.CodePermissionDenied, "", "wiki:node:read"},
	}
	for _, tt := range tests {
		given := map[string]any{paramFileToken: tt.text}
		if tt.table != "" {
			given[paramTableID] = tt.table
		}
		_, err := resolve(t, key(t, tt.key), api, given)
		if err == nil {
			t.Errorf("%s takes %q", tt.key, tt.text)
			continue
		}
		failure := eventcore.AsError(err)
		if failure.Code != tt.code || failure.Param != tt.param || failure.Hint == "" || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s %q: %+v", tt.key, tt.text, failure)
		}
	}
}

func TestFileTypesAreThoseOfTheSubscribeCall(t *testing.T) {
	def := key(t, edit)
	if _, err := eventcore.ResolveParams(&def, map[string]any{paramFileToken: docToken, paramFileType: "folder"}); err == nil {
		t.Error("a folder can be subscribed to for edits, of which the platform sends none")
	}
	if _, err := eventcore.ResolveParams(&def, map[string]any{paramFileType: "docx"}); err == nil {
		t.Error("no file is needed")
	}
}

func TestTablesAndCommentedFiles(t *testing.T) {
	for _, text := range []string{"tblOaqBWfGe1x2y3", " https://x.feishu.cn/base/" + baseToken + "?table=tblOaqBWfGe1x2y3&view=v "} {
		params, err := resolve(t, key(t, records), nil, map[string]any{paramFileToken: baseToken, paramTableID: text})
		if err != nil || params[paramTableID] != "tblOaqBWfGe1x2y3" {
			t.Errorf("%q: %v, %v", text, params, err)
		}
	}
	api := &keytest.API{Answers: map[string]string{wiki + "Wiki0PageToken": `{"node":{"obj_token":"DocToken0123","obj_type":"docx"}}`}}
	for text, want := range map[string]string{
		"https://x.feishu.cn/docx/" + docToken: docToken, docToken: docToken, "https://x.feishu.cn/wiki/Wiki0PageToken": "DocToken0123", "": "",
	} {
		params, err := resolve(t, key(t, commentAdded), api, map[string]any{paramFileToken: text})
		if err != nil || params[paramFileToken] != want {
			t.Errorf("%q: %v, %v", text, params, err)
		}
	}
}

func TestMatch(t *testing.T) {
	table := map[string]string{paramFileToken: baseToken, paramTableID: "tblOaqBWfGe1x2y3"}
	other := maps.Clone(table)
	other[paramTableID] = "tblAnother000001"
	tests := []struct {
		key    string
		params map[string]string
		want   bool
	}{
		{edit, map[string]string{paramFileToken: docToken}, true},
		{edit, map[string]string{paramFileToken: baseToken}, false},
		{created, map[string]string{paramFileToken: "Z3LbfVQD1lyRXddnfXqcXRWYnKd"}, true},
		{created, map[string]string{paramFileToken: docToken}, false}, // the new file's token, not the folder's
		{records, table, true},
		{records, other, false},
		{commentAdded, map[string]string{paramMentionsMe: "true", paramFileToken: docToken}, true},
		{commentAdded, map[string]string{paramFileToken: baseToken}, false},
		{commentAdded, nil, true},
	}
	for _, tt := range tests {
		def := key(t, tt.key)
		if got := def.Match(keytest.Recorded(t, def, tt.key), tt.params); got != tt.want {
			t.Errorf("%s with %v: %v", tt.key, tt.params, got)
		}
	}
	def := key(t, commentAdded)
	quiet := &eventcore.RawEvent{Payload: []byte(`{"event":{"is_mentioned":false}}`)}
	if def.Match(quiet, map[string]string{paramMentionsMe: "true"}) || !def.Match(quiet, map[string]string{paramMentionsMe: "false"}) {
		t.Error("mentions_me does not tell who is mentioned")
	}
	for _, def := range Keys() {
		for _, payload := range []string{`x`, `{"event":[]}`, `{"event":{}}`} {
			if !def.Match(&eventcore.RawEvent{Payload: []byte(payload)}, map[string]string{paramFileToken: "T", paramTableID: "t", paramMentionsMe: "true"}) {
				t.Errorf("%s loses %s", def.Key, payload)
			}
		}
	}
}
