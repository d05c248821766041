package board

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const token = "Ru8nwrWFOhEmaFbEU2VbPRsHcxb"

func TestExampleSatisfiesItsSchema(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestEditIsReadWithoutAnyCall(t *testing.T) {
	api := &keytest.API{Refuse: keytest.Denied()}
	if _, err := keytest.Golden(t, whiteboardKey(), api, whiteboardUpdated, nil); err != nil {
		t.Error(err)
	}
	api.Want(t)
}

func TestSubscribeCalls(t *testing.T) {
	const (
		on   = "POST /open-apis/board/v1/whiteboards/" + token + "/subscribe"
		off  = "POST /open-apis/board/v1/whiteboards/" + token + "/unsubscribe"
		body = ` {"event_type":"board.whiteboard.updated_v1"}`
	)
	def := whiteboardKey()
	params := map[string]string{"whiteboard_id": token}
	api := &keytest.API{Answers: map[string]string{on: "{}", off: "{}"}}
	cleanup, err := def.PreConsume(t.Context(), api, params)
	if err != nil {
		t.Fatal(err)
	}
	api.Want(t, on+body)
	if err := cleanup(); err != nil {
		t.Error(err)
	}
	api.Want(t, off+body)
	if err := def.Cleanup(t.Context(), api, params); err != nil {
		t.Error(err)
	}
	api.Want(t, off+body)
	api.Refuse = keytest.Denied()
	if _, err := def.PreConsume(t.Context(), api, map[string]string{"whiteboard_id": "a/../b?c"}); err == nil {
		t.Error("the refusal is lost")
	}
	api.Want(t, "POST /open-apis/board/v1/whiteboards/a%2F..%2Fb%3Fc/subscribe"+body)
}

func TestEachWhiteboardIsASubscriptionOfItsOwn(t *testing.T) {
	def := whiteboardKey()
	if eventcore.SubscriptionIdentity(&def, map[string]string{"whiteboard_id": token}) ==
		eventcore.SubscriptionIdentity(&def, map[string]string{"whiteboard_id": token[1:]}) {
		t.Error("two whiteboards share one subscription")
	}
	if _, err := eventcore.ResolveParams(&def, nil); !eventcore.IsCode(err, eventcore.CodeInvalidParams) {
		t.Errorf("without a whiteboard: %v", err)
	}
}

func TestNormalize(t *testing.T) {
	for _, given := range []string{
		token, " " + token + " ",
		"https://acme.feishu.cn/board/" + token,
		"https://acme.larksuite.com/whiteboard/" + token + "?from=share#x",
		`<whiteboard token="` + token + `"/>`, `<whiteboard align="1" token="` + token + `"></whiteboard>`,
	} {
		params := map[string]string{"whiteboard_id": given}
		if err := normalize(t.Context(), nil, params); err != nil || params["whiteboard_id"] != token {
			t.Errorf("%q becomes %q, %v", given, params["whiteboard_id"], err)
		}
	}
	for _, given := range []string{
		"", "Release plan", "short", "../" + token, "https://acme.feishu.cn/docx/" + token, "https://acme.feishu.cn/board", "https://acme.feishu.cn/board/", "<whiteboard/>", "http://[",
	} {
		var refused *eventcore.Error
		err := normalize(t.Context(), nil, map[string]string{"whiteboard_id": given})
		if !errors.As(err, &refused) || refused.Code != eventcore.CodeInvalidParams || refused.Param != "whiteboard_id" || refused.Hint == "" {
			t.Errorf("%q gives %v", given, err)
		}
	}
}

func TestMatch(t *testing.T) {
	raw := keytest.Recorded(t, whiteboardKey(), whiteboardUpdated)
	if !match(raw, map[string]string{"whiteboard_id": token}) || match(raw, map[string]string{"whiteboard_id": token[1:]}) {
		t.Error("the whiteboard does not decide")
	}
	for _, payload := range []string{`x`, `{}`, `{"event":[]}`, `{"event":{}}`} {
		if !match(&eventcore.RawEvent{Payload: json.RawMessage(payload)}, map[string]string{"whiteboard_id": token}) {
			t.Errorf("%s is lost", payload)
		}
	}
}

func FuzzProcess(f *testing.F) {
	payload, err := os.ReadFile("testdata/" + whiteboardUpdated + ".json")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(payload), ``, `{}`, `{"event":{"operator_ids":[null,"ou_1",3]}}`, `{"event":{"operator_ids":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		def := whiteboardKey()
		def.Match(raw, map[string]string{"whiteboard_id": token})
		data, err := def.Process(t.Context(), nil, raw, nil)
		if (data == nil) == (err == nil) || data != nil && !json.Valid(data) {
			t.Errorf("%s gives %s, %v", payload, data, err)
		}
	})
}
