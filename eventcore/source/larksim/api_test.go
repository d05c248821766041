package larksim_test

import (
	"fmt"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestTheOpenAPIChecksTokensAndRecordsCalls(t *testing.T) {
	p := start(t, larksim.Options{})
	token := func(id, secret string) map[string]any {
		_, answer, _ := ask(t, "POST", p.URL()+"/open-apis/auth/v3/tenant_access_token/internal", "",
			map[string]string{"app_id": id, "app_secret": secret})
		return answer
	}
	if got := token(p.AppID(), "wrong"); got["code"] != 10014.0 {
		t.Errorf("a wrong secret: %v, want code 10014", got)
	}
	good := token(p.AppID(), p.AppSecret())
	bot, ok := good["tenant_access_token"].(string)
	if !ok || good["expire"] != 7200.0 {
		t.Fatalf("no token: %v", good)
	}
	p.Answer("GET", "/open-apis/im/v1/chats/{chat}", 200, map[string]any{"code": 0, "data": map[string]any{"name": "first"}})
	p.Answer("GET", "/open-apis/im/v1/chats/{chat}", 200, map[string]any{"code": 0, "data": map[string]any{"name": "latest"}})
	p.Deny("POST", "/open-apis/im/v1/messages", "im:message")
	cases := []struct {
		method, path, token string
		status              int
		code                any
	}{
		{"GET", "/open-apis/bot/v3/info", bot, 200, 0.0},
		{"GET", "/open-apis/bot/v3/info", "", 400, 99991661.0},
		{"GET", "/open-apis/bot/v3/info", "t-unknown", 400, 99991663.0},
		{"GET", "/open-apis/bot/v3/info", "u-unknown", 400, 99991668.0},
		{"GET", "/open-apis/event/v1/connection", bot, 200, 0.0},
		{"GET", "/open-apis/im/v1/chats/oc_1?x=y", larksim.DefaultUserToken, 200, 0.0},
		{"POST", "/open-apis/im/v1/messages", bot, 400, 99991672.0},
		{"POST", "/open-apis/im/v1/messages", larksim.DefaultUserToken, 400, 99991679.0},
		{"GET", "/open-apis/nothing/here", bot, 404, nil},
	}
	for _, c := range cases {
		status, answer, header := ask(t, c.method, p.URL()+c.path, c.token, nil)
		if status != c.status || answer["code"] != c.code || header.Get("X-Tt-Logid") == "" {
			t.Errorf("%s %s with %.8s: HTTP %d %v, want %d with code %v", c.method, c.path, c.token, status, answer, c.status, c.code)
		}
	}
	calls := p.Calls()
	if len(calls) != len(cases) || calls[5].Query.Get("x") != "y" || calls[5].Identity != larksim.AsUser || calls[1].Identity != "" {
		t.Errorf("calls %+v, want each as it was made", calls)
	}
	if _, answer, _ := ask(t, "GET", p.URL()+"/open-apis/im/v1/chats/oc_1", bot, nil); fmt.Sprint(answer["data"]) != "map[name:latest]" {
		t.Errorf("got %v, want the answer registered last", answer)
	}
	p.ExpireTokens()
	if _, answer, _ := ask(t, "GET", p.URL()+"/open-apis/bot/v3/info", bot, nil); answer["code"] != 99991663.0 {
		t.Errorf("an expired token: %v, want code 99991663", answer)
	}
}
