package approval

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const (
	detailCall   = "GET /open-apis/approval/v4/instances/detail?user_id_type=open_id&instance_code=81D31358-93AF-92D6-7425-01A5D67C4E71"
	detailAnswer = `{"instance_code":"81D31358-93AF-92D6-7425-01A5D67C4E71","definition_name":"Leave","serial_number":"202601020007",
		"user_id":"ou_84aad35d084aa403a838cf73ee184671","status":"PENDING","start_time":"1767344529871","end_time":"0",
		"form":"[{\"id\":\"w1\",\"name\":\"Reason\",\"type\":\"input\",\"value\":\"a <long> weekend\"},{\"id\":\"w2\",\"name\":\"Days\",\"type\":\"number\",\"value\":2.5}]",
		"tasks":[{"id":"7391860724358332417","node_name":"Manager","status":"PENDING","user_id":"ou_c1b2d94e7fa0836512cd4ef09a7b6d38"}],
		"current_nodes":[{"node_id":"n1","node_name":"Manager","approvers":[
			{"user_id":"ou_c1b2d94e7fa0836512cd4ef09a7b6d38","task_id":"7391860724358332417"},{"user_id":""},
			{"user_id":"ou_c1b2d94e7fa0836512cd4ef09a7b6d38","task_id":"2"}]}]}`
)

func TestExamplesSatisfyTheirSchemas(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestRequestsAreLookedUp(t *testing.T) {
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			api := &keytest.API{Answers: map[string]string{detailCall: detailAnswer}}
			if _, err := keytest.Golden(t, def, api, def.Key, map[string]string{"with_form": "true"}); err != nil {
				t.Error(err)
			}
			api.Want(t, detailCall)
		})
	}
}

func TestRefusedLookupLeavesTheEvent(t *testing.T) {
	for _, def := range Keys() {
		t.Run(def.Key, func(t *testing.T) {
			data, err := def.Process(t.Context(), &keytest.API{Refuse: keytest.Denied()}, keytest.Recorded(t, def, def.Key), map[string]string{"with_form": "true"})
			var failure *eventcore.Error
			if !errors.As(err, &failure) || !slices.Equal(failure.Scopes, []string{"approval:instance:read"}) || !strings.Contains(failure.Message, "name, number") {
				t.Errorf("error %+v", failure)
			}
			keytest.Validate(t, def, data)
			if !strings.Contains(string(data), `"instance_code":"81D31358-93AF-92D6-7425-01A5D67C4E71"`) || !strings.Contains(string(data), `"status":"`) {
				t.Errorf("what is known is lost: %s", data)
			}
		})
	}
}

func TestUnknownStatusStaysAndNumbersAreRead(t *testing.T) {
	_, err := keytest.Golden(t, instanceKey(), &keytest.API{Refuse: keytest.Denied()}, "unknown_status", nil)
	if err == nil {
		t.Error("the refused lookup is not told")
	}
}

func TestEveryStatusHasAWord(t *testing.T) {
	for key, list := range map[string][]status{
		"PENDING APPROVED REJECTED CANCELED DELETED REVERTED OVERTIME_CLOSE OVERTIME_RECOVER":          instanceStatuses(),
		"REVERTED PENDING APPROVED REJECTED TRANSFERRED ROLLBACK DONE OVERTIME_CLOSE OVERTIME_RECOVER": taskStatuses(),
	} {
		for platform := range strings.FieldsSeq(key) {
			if got := word(list, "x"); got != "x" {
				t.Errorf("an unknown status becomes %q", got)
			}
			if !slices.ContainsFunc(list, func(s status) bool { return string(s.platform) == platform && strings.ToLower(s.Value) == s.Value }) {
				t.Errorf("%s has no word", platform)
			}
		}
	}
}

func TestForm(t *testing.T) {
	with := map[string]string{"with_form": "true"}
	for name, tt := range map[string]struct {
		form   string
		params map[string]string
		want   string
	}{
		"not asked for": {`[{"name":"a"}]`, nil, `null`},
		"none":          {``, with, `null`},
		"broken":        {`[{`, with, `[{"value":"[{"}]`},
		"no list":       {`{"a":1}`, with, `[{"value":"{\"a\":1}"}]`},
		"odd names":     {`[{"name":1,"value":null},{}]`, with, `[{"name":"1","value":null},{}]`},
	} {
		d := detail{Form: ""}
		if tt.form != "" {
			raw, _ := json.Marshal(tt.form)
			if err := d.Form.UnmarshalJSON(raw); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := json.Marshal(d.form(tt.params)); string(got) != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestSubscribeCalls(t *testing.T) {
	for key, path := range map[string]string{
		instanceChanged: "/open-apis/approval/v4/instances/subscription", taskChanged: "/open-apis/approval/v4/tasks/subscription",
	} {
		for _, kind := range []string{"INVOLVED_APPROVAL", "MANAGED_APPROVAL"} {
			t.Run(key+" "+kind, func(t *testing.T) {
				def := byName(t, key)
				params, err := eventcore.ResolveParams(&def, map[string]any{"subscription_type": kind})
				if err != nil {
					t.Fatal(err)
				}
				on, off := "POST "+path, "DELETE "+path+"?subscription_type="+kind
				api := &keytest.API{Answers: map[string]string{on: "{}", off: "{}"}}
				cleanup, err := def.PreConsume(t.Context(), api, params)
				if err != nil {
					t.Fatal(err)
				}
				api.Want(t, on+` {"subscription_type":"`+kind+`"}`)
				if err := cleanup(); err != nil {
					t.Error(err)
				}
				api.Want(t, off)
				if err := def.Cleanup(t.Context(), api, params); err != nil {
					t.Error(err)
				}
				api.Want(t, off)
			})
		}
	}
}

func TestSubscriptionTypeIsPartOfTheIdentity(t *testing.T) {
	def := instanceKey()
	identity := func(given map[string]any) string {
		params, err := eventcore.ResolveParams(&def, given)
		if err != nil {
			t.Fatal(err)
		}
		return eventcore.SubscriptionIdentity(&def, params)
	}
	if identity(nil) != identity(map[string]any{"subscription_type": "INVOLVED_APPROVAL", "status": "approved"}) {
		t.Error("the default is not INVOLVED_APPROVAL, or the status counts")
	}
	if identity(nil) == identity(map[string]any{"subscription_type": "MANAGED_APPROVAL"}) {
		t.Error("both types share one subscription")
	}
}

func TestNormalize(t *testing.T) {
	const code = "7C468A54-8745-2245-9675-08B7C63E7A85"
	def := taskKey()
	for given, want := range map[string]string{
		"": "", "  ": "", code: code, strings.ToLower(code): code,
		"https://www.feishu.cn/approval/admin/createApproval?id=7081516627711524883&definitionCode=" + code: code,
	} {
		params := map[string]string{"approval_code": given}
		if err := def.NormalizeParams(t.Context(), nil, params); err != nil || params["approval_code"] != want {
			t.Errorf("%q becomes %q, %v", given, params["approval_code"], err)
		}
	}
	for _, given := range []string{"Leave", "https://www.feishu.cn/approval/admin", code + "0", "https://x.cn/?definitionCode=Leave", "://"} {
		err := def.NormalizeParams(t.Context(), nil, map[string]string{"approval_code": given})
		var refused *eventcore.Error
		if !errors.As(err, &refused) || refused.Code != eventcore.CodeInvalidParams || refused.Param != "approval_code" || refused.Hint == "" {
			t.Errorf("%q gives %v", given, err)
		}
	}
}

func TestMatch(t *testing.T) {
	const code = "7C468A54-8745-2245-9675-08B7C63E7A85"
	for _, tt := range []struct {
		key    string
		params map[string]string
		want   bool
	}{
		{instanceChanged, nil, true},
		{instanceChanged, map[string]string{"status": "approved,pending", "approval_code": code}, true},
		{instanceChanged, map[string]string{"status": "approved"}, false},
		{instanceChanged, map[string]string{"approval_code": "8" + code[1:]}, false},
		{taskChanged, map[string]string{"status": "sent_back"}, true},
		{taskChanged, map[string]string{"status": "pending"}, false},
	} {
		def := byName(t, tt.key)
		if got := def.Match(keytest.Recorded(t, def, tt.key), tt.params); got != tt.want {
			t.Errorf("%s with %v: %v", tt.key, tt.params, got)
		}
		if !def.Match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":[]}`)}, tt.params) {
			t.Errorf("%s loses an event that cannot be read", tt.key)
		}
		if !def.Match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"instance_code":"x","status":null}}`)}, tt.params) {
			t.Errorf("%s with %v loses an event that does not say", tt.key, tt.params)
		}
	}
}

func FuzzProcess(f *testing.F) {
	for _, name := range []string{instanceChanged, taskChanged, "unknown_status"} {
		payload, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload, []byte(detailAnswer))
	}
	for _, broken := range []string{``, `null`, `{}`, `{"event":null}`, `{"event":"x"}`, `{"event":{"status":{},"operate_time":[],"start_user":"ou_1","instance_code":7}}`} {
		f.Add([]byte(broken), []byte(`[]`))
		f.Add([]byte(broken), []byte(`{"form":[1],"tasks":[{}],"current_nodes":[null]}`))
	}
	f.Fuzz(func(t *testing.T, payload, answer []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		for _, def := range Keys() {
			params := map[string]string{"status": "approved", "with_form": "true"}
			def.Match(raw, params)
			for _, rt := range []eventcore.APIClient{nil, &keytest.API{Answers: map[string]string{detailCall: string(answer)}}} {
				data, err := def.Process(t.Context(), rt, raw, params)
				if data == nil && err == nil {
					t.Errorf("%s drops %s without a word", def.Key, payload)
				}
				if data != nil && !json.Valid(data) {
					t.Errorf("not JSON: %s", data)
				}
			}
		}
	})
}

func byName(t *testing.T, key string) eventcore.KeyDefinition {
	t.Helper()
	for _, def := range Keys() {
		if def.Key == key {
			return def
		}
	}
	t.Fatalf("there is no key %s", key)
	return eventcore.KeyDefinition{}
}
