package card

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

const cardCall = "GET /open-apis/im/v1/messages/om_574d639e4a44e4dd646eaf628e2c7e5a?card_msg_content_type=user_card_content"

// message is the answer for a message with this content.
func message(content string) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err)
	}
	return `{"items":[{"message_id":"om_574d639e4a44e4dd646eaf628e2c7e5a","msg_type":"interactive","deleted":false,"body":{"content":` + string(text) + `}}]}`
}

const (
	plainCard    = `{"schema":"2.0","header":{"title":{"tag":"plain_text","content":"Ship <4.2>?"}},"body":{"elements":[]}}`
	templateCard = `{"type":"template","data":{"template_id":"AAqkaNvG4nsxI","template_variable":{"build":"4.2"}}}`
	entityCard   = `{"type":"card","data":{"card_id":"7355372766134157313"}}`
)

func TestExampleSatisfiesItsSchema(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestRecordedActions(t *testing.T) {
	for name, content := range map[string]string{
		actionTriggered: plainCard, "value_is_text": plainCard, "template": templateCard, "entity": entityCard,
		"checker": `{"user_dsl":` + quote(plainCard) + `,"json_card":{}}`, "date": `{"user_dsl":` + plainCard + `}`,
		"form_is_text": "This message was recalled",
	} {
		t.Run(name, func(t *testing.T) {
			api := &keytest.API{Answers: map[string]string{cardCall: message(content)}}
			if _, err := keytest.Golden(t, actionKey(), api, name, map[string]string{"with_card": "true"}); err != nil {
				t.Error(err)
			}
			api.Want(t, cardCall)
		})
	}
}

func TestCardIsNotFetchedInVain(t *testing.T) {
	api := &keytest.API{Refuse: keytest.Denied()}
	def := actionKey()
	if _, err := keytest.Golden(t, def, api, "preview", nil); err != nil { // it has no message
		t.Error(err)
	}
	data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, actionTriggered), map[string]string{"with_card": "false"})
	if err != nil || strings.Contains(string(data), `"card"`) {
		t.Errorf("%s, %v", data, err)
	}
	api.Want(t)
}

func TestCardThatCannotBeHadLeavesTheEvent(t *testing.T) {
	def := actionKey()
	for name, tt := range map[string]struct {
		api    eventcore.APIClient
		scopes []string
	}{
		"refused":    {&keytest.API{Refuse: keytest.Denied()}, []string{"im:message:readonly"}},
		"no client":  {nil, nil},
		"no message": {&keytest.API{Answers: map[string]string{cardCall: `{"items":[]}`}}, nil},
		"no content": {&keytest.API{Answers: map[string]string{cardCall: `{"items":[{}]}`}}, nil},
		"no list":    {&keytest.API{Answers: map[string]string{cardCall: `{"items":7}`}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := def.Process(t.Context(), tt.api, keytest.Recorded(t, def, actionTriggered), nil)
			var failure *eventcore.Error
			if !errors.As(err, &failure) || !slices.Equal(failure.Scopes, tt.scopes) || !strings.Contains(failure.Message, "the card could not be looked up") {
				t.Errorf("error %+v", failure)
			}
			keytest.Validate(t, def, data)
			for _, want := range []string{`"token":"c-295ee`, `"regions":["eu","us"]`, `"operator_id":"ou_84`} {
				if !strings.Contains(string(data), want) {
					t.Errorf("%s lacks %s", data, want)
				}
			}
		})
	}
}

func TestContentOfEveryKind(t *testing.T) {
	for text, want := range map[string]content{
		plainCard:                       {"json", json.RawMessage(plainCard)},
		`{}`:                            {"json", json.RawMessage(`{}`)},
		`{"type":"template"}`:           {"json", json.RawMessage(`{"type":"template"}`)},
		templateCard:                    {"template", json.RawMessage(templateCard)},
		entityCard:                      {"entity", json.RawMessage(entityCard)},
		`{"user_dsl":"` + `{\"a\":1}"}`: {"json", json.RawMessage(`{"a":1}`)},
		`{"user_dsl":"gone"}`:           {"other", json.RawMessage(`"gone"`)},
		`{"user_dsl":null,"b":1}`:       {"json", json.RawMessage(`{"user_dsl":null,"b":1}`)},
		`[1]`:                           {"other", json.RawMessage(`[1]`)},
		`recalled <x>`:                  {"other", json.RawMessage(`"recalled <x>"`)},
	} {
		if got := parseContent(text); got.kind != want.kind || string(got.card) != string(want.card) {
			t.Errorf("%s is %s %s", text, got.kind, got.card)
		}
	}
}

func TestFormThatIsNoObjectIsTold(t *testing.T) {
	def := actionKey()
	raw := &eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"token":"c-1","action":{"tag":"button","form_value":["a"]}}}`)}
	data, err := def.Process(t.Context(), nil, raw, nil)
	if err == nil || !strings.Contains(err.Error(), `["a"]`) || string(data) != `{"action_tag":"button","token":"c-1"}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestNormalize(t *testing.T) {
	params := map[string]string{"message_id": " om_1 ", "chat_id": "", "operator_id": "ou_1"}
	if err := normalize(t.Context(), nil, params); err != nil || params["message_id"] != "om_1" || params["operator_id"] != "ou_1" {
		t.Errorf("%v, %v", params, err)
	}
	for _, name := range []string{"message_id", "chat_id", "operator_id"} {
		var refused *eventcore.Error
		err := normalize(t.Context(), nil, map[string]string{name: "Release 4.2"})
		if !errors.As(err, &refused) || refused.Code != eventcore.CodeInvalidParams || refused.Param != name || refused.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMatch(t *testing.T) {
	raw := keytest.Recorded(t, actionKey(), actionTriggered)
	for _, tt := range []struct {
		params map[string]string
		want   bool
	}{
		{nil, true},
		{map[string]string{"action_tag": "input,button", "message_id": "om_574d639e4a44e4dd646eaf628e2c7e5a",
			"chat_id": "oc_5ce6d572455d361153b7cb51da133945", "operator_id": "ou_84aad35d084aa403a838cf73ee184671"}, true},
		{map[string]string{"action_tag": "input"}, false},
		{map[string]string{"message_id": "om_1"}, false},
		{map[string]string{"chat_id": "oc_1"}, false},
		{map[string]string{"operator_id": "ou_1"}, false},
	} {
		if got := match(raw, tt.params); got != tt.want {
			t.Errorf("%v: %v", tt.params, got)
		}
		if !match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"action":"x"}}`)}, tt.params) {
			t.Error("an event that cannot be read is lost")
		}
		if !match(&eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"action":{}}}`)}, tt.params) {
			t.Errorf("%v: an event that does not say is lost", tt.params)
		}
	}
}

func FuzzProcess(f *testing.F) {
	for _, name := range []string{actionTriggered, "value_is_text", "entity", "preview"} {
		payload, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload, templateCard)
		f.Add(payload, `{"user_dsl":"{\"user_dsl\":\"{}\"}"}`)
	}
	for _, broken := range []string{``, `{}`, `{"event":[]}`, `{"event":{"action":1}}`, `{"event":{"operator":null,"action":{"options":{},"checked":[],"form_value":1,"value":[null]}}}`} {
		f.Add([]byte(broken), ``)
	}
	f.Fuzz(func(t *testing.T, payload []byte, content string) {
		raw := &eventcore.RawEvent{Payload: payload}
		def := actionKey()
		def.Match(raw, map[string]string{"action_tag": "input"})
		for _, rt := range []eventcore.APIClient{nil, &keytest.API{Answers: map[string]string{cardCall: message(content)}}} {
			data, err := def.Process(t.Context(), rt, raw, nil)
			if data == nil && err == nil {
				t.Errorf("%s is dropped without a word", payload)
			}
			if data != nil && !json.Valid(data) {
				t.Errorf("not JSON: %s", data)
			}
		}
	})
}

func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
