package drive

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

// lateAPI answers the question for comments with one answer after the other.
type lateAPI struct {
	keytest.API
	late []string
}

func (a *lateAPI) CallAPI(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	if method+" "+path == comments && len(a.late) > 0 {
		answer := a.late[0]
		a.late = a.late[1:]
		return json.RawMessage(answer), nil
	}
	return a.API.CallAPI(ctx, method, path, body)
}

func TestCommentsThatThePlatformFindsLater(t *testing.T) {
	further := "GET /open-apis/drive/v1/files/" + docToken + "/comments/7618859513273112345/replies?file_type=docx&user_id_type=open_id&page_size=100&page_token=p"
	older := `{"reply_id":"1","content":{"elements":[{"text_run":{"text":"older"}}]}}`
	long := `{"items":[{"has_more":true,"page_token":"p","quote":"Q","reply_list":{"replies":[` + older + `]}}]}`
	tests := map[string]struct {
		late   []string
		others map[string]string
		want   []string
		failed string
	}{
		"at the second time":      {late: []string{`{"items":[]}`, thread}, want: []string{`see`, `"created_at":"2026-01-02T07:46:40Z"`}},
		"the reply a little late": {late: []string{`{"items":[{"reply_list":{"replies":[` + older + `]}}]}`, thread}, want: []string{`see`}},
		"never":                   {late: []string{`{}`, `{}`}, want: []string{`"comment_id"`}, failed: "does not find it"},
		"replies as text":         {late: []string{`{"items":[{"is_solved":true,"reply_list":"{\"replies\":[{\"reply_id\":\"7618859513273119999\",\"content\":{\"elements\":[{\"text_run\":{\"text\":\"quoted\"}}]}}]}"}]}`}, want: []string{"quoted", `"resolved":true`}},
		"in a long thread": {late: []string{long}, want: []string{"the hundredth", `"quote":"Q"`},
			others: map[string]string{further: `{"items":[{"reply_id":"7618859513273119999","content":{"elements":[{"text_run":{"text":"the hundredth"}}]}}]}`}},
		"in no page":        {late: []string{long}, others: map[string]string{further: `{"items":[]}`}, want: []string{`"quote":"Q"`}, failed: "does not find it"},
		"the page refused":  {late: []string{long}, want: []string{`"quote":"Q"`}, failed: "has no answer"},
		"an answer as list": {late: []string{`[]`}, want: []string{`"comment_id"`}, failed: "cannot be read"},
	}
	def := key(t, commentAdded)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &lateAPI{late: tt.late, API: keytest.API{Answers: map[string]string{meta: metas}}}
				for call, answer := range tt.others {
					api.Answers[call] = answer
				}
				data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, def.Key), nil)
				for _, want := range tt.want {
					if !strings.Contains(string(data), want) {
						t.Errorf("%s has no %s", data, want)
					}
				}
				if (err != nil) != (tt.failed != "") || err != nil && !strings.Contains(err.Error(), tt.failed) {
					t.Errorf("error %v, want %q", err, tt.failed)
				}
				keytest.Validate(t, def, data)
			})
		})
	}
}

func TestWaitingForACommentEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		def := key(t, commentAdded)
		api := &lateAPI{late: []string{`{}`}, API: keytest.API{Answers: map[string]string{meta: metas}}}
		data, err := def.Process(ctx, api, keytest.Recorded(t, def, def.Key), nil)
		if data == nil || err == nil || len(api.late) != 0 {
			t.Errorf("%s, %v", data, err)
		}
	})
}

func TestWhichReplyACommentIs(t *testing.T) {
	list := []commentReply{{ID: "1"}, {ID: "2"}, {ID: "3"}}
	for _, tt := range []struct{ notice, reply, want string }{
		{"add_comment", "1", "1"},
		{"add_comment", "", "1"},
		{"add_comment", "9", "1"},
		{"add_reply", "2", "2"},
		{"add_reply", "", "3"},
		{"add_reply", "9", ""},
	} {
		var in commentEvent
		raw := `{"notice_meta":{"notice_type":"` + tt.notice + `"},"reply_id":"` + tt.reply + `"}`
		if err := json.Unmarshal([]byte(raw), &in); err != nil {
			t.Fatal(err)
		}
		got := in.pick(list)
		if (got == nil) != (tt.want == "") || got != nil && string(got.ID) != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
		if in.pick(nil) != nil {
			t.Error("a reply out of nothing")
		}
	}
}

func TestReadableValues(t *testing.T) {
	for given, want := range map[string]string{
		``:                                ``,
		`null`:                            ``,
		`" "`:                             `" "`,
		`12.50`:                           `12.50`,
		`9007199254740993`:                `9007199254740993`,
		`plain`:                           `"plain"`,
		`[{"text":"a"},{"text":"<b>"}]`:   `"a<b>"`,
		`[{"type":"text","text":"a"}]`:    `"a"`,
		`[{"type":"url","text":"a"}]`:     `[{"type":"url","text":"a"}]`,
		`[{"text":"a","link":"u"}]`:       `[{"text":"a","link":"u"}]`,
		`[{"type":"text"}]`:               `[{"type":"text"}]`,
		`["optA","optB"]`:                 `["optA","optB"]`,
		`[]`:                              `[]`,
		`{"link":"https://x","text":"x"}`: `{"link":"https://x","text":"x"}`,
	} {
		value := fieldValue{}
		raw, _ := json.Marshal(map[string]string{"field_value": given})
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatal(err)
		}
		if got := string(value.readable()); got != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
	}
}

func TestFieldTypesAreWords(t *testing.T) {
	if fieldType("3") != "single_select" || fieldType("4711") != "4711" {
		t.Error("types are not words, or unknown ones are lost")
	}
}

func TestCommentKeySaysAsWhomItListensAndRequiresOnlyWhatSubscribingNeeds(t *testing.T) {
	def := commentKey()
	if !slices.Equal(def.Scopes, []string{subscribeScope}) || !strings.Contains(def.Description, "docs:document.comment:read") {
		t.Errorf("scopes %v, description %q", def.Scopes, def.Description)
	}
	if !strings.Contains(def.Description, "as the user if LARK_USER_ACCESS_TOKEN is set") || !strings.Contains(def.Description, "else as the bot") {
		t.Errorf("the description does not say whose notifications come: %s", def.Description)
	}
}

func TestIdentitiesAndScopes(t *testing.T) {
	for _, def := range Keys() {
		if !slices.Equal(def.AuthTypes, []string{"user", "bot"}) || def.Scopes[0] != subscribeScope {
			t.Errorf("%s: %v, %v", def.Key, def.AuthTypes, def.Scopes)
		}
		first, _, _ := strings.Cut(def.Description, ". ")
		if len(first) > 200 || !strings.Contains(def.Description, "You get") {
			t.Errorf("%s: %s", def.Key, def.Description)
		}
		for _, param := range def.Params {
			if scoped := param.Name == paramFileToken || param.Name == paramFileType; param.SubscriptionKey != (scoped && def.Key != commentAdded) {
				t.Errorf("%s: %s is scoped: %v", def.Key, param.Name, param.SubscriptionKey)
			}
		}
	}
}
