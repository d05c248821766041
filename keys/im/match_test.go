package im

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const botID = "ou_f0e1d2c3b4a5968778695a4b3c2d1e0f"

func TestMatch(t *testing.T) {
	const (
		groupText = "text_mentions" // mentions the bot
		p2pText   = "text_p2p"
		groupPost = "post" // mentions someone else
		topic     = "loose_types"
	)
	group, sender := "oc_5ce6d572455d361153b7cb51da133945", "ou_84aad35d084aa403a838cf73ee184671"
	tests := []struct {
		name   string
		event  string
		params map[string]string
		want   bool
	}{
		{"no params", groupText, nil, true},
		{"mentions_me off", groupPost, map[string]string{"mentions_me": "false"}, true},
		{"the chat", groupText, map[string]string{"chat_id": group}, true},
		{"another chat", p2pText, map[string]string{"chat_id": group}, false},
		{"p2p in p2p", p2pText, map[string]string{"chat_type": "p2p"}, true},
		{"p2p in a group", groupText, map[string]string{"chat_type": "p2p"}, false},
		{"group in a group", groupText, map[string]string{"chat_type": "group"}, true},
		{"group in a group with topics", topic, map[string]string{"chat_type": "group"}, true},
		{"group in p2p", p2pText, map[string]string{"chat_type": "group"}, false},
		{"the sender", groupText, map[string]string{"sender_id": sender}, true},
		{"another sender", groupText, map[string]string{"sender_id": "ou_x"}, false},
		{"one of the types", groupPost, map[string]string{"message_type": "text,post"}, true},
		{"none of the types", groupPost, map[string]string{"message_type": "text,image"}, false},
		{"mentions the bot", groupText, map[string]string{"mentions_me": "true", "bot_open_id": botID}, true},
		{"mentions someone else", groupPost, map[string]string{"mentions_me": "true", "bot_open_id": botID}, false},
		{"p2p is for the bot", p2pText, map[string]string{"mentions_me": "true", "bot_open_id": botID}, true},
		{"mentions, and the bot unknown", groupText, map[string]string{"mentions_me": "true"}, false},
		{"all at once", groupText, map[string]string{"chat_id": group, "chat_type": "group", "sender_id": sender, "message_type": "text", "mentions_me": "true", "bot_open_id": botID}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := matchReceive(recorded(t, tt.event), tt.params); got != tt.want {
				t.Errorf("match = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMatchLetsEventsThatDoNotSayPass(t *testing.T) {
	raw := &eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"message":{"message_id":"om_1"}}}`)}
	for _, params := range []map[string]string{{"chat_id": "oc_1"}, {"chat_type": "p2p"}, {"chat_type": "group"}, {"sender_id": "ou_1"}, {"message_type": "text"}} {
		if !matchReceive(raw, params) {
			t.Errorf("%v: an event that does not say is lost", params)
		}
	}
}

func TestMatchLetsUnreadableEventsPass(t *testing.T) {
	raw := &eventcore.RawEvent{Payload: json.RawMessage(`{"event":"odd"}`)}
	if !matchReceive(raw, map[string]string{"chat_id": "oc_1"}) {
		t.Error("an event that cannot be read is lost")
	}
}

func TestNormalizeFindsOutWhoTheBotIs(t *testing.T) {
	for name, answer := range map[string]string{
		"as on the wire": `{"code":0,"msg":"ok","bot":{"open_id":"` + botID + `"}}`,
		"the bot alone":  `{"open_id":"` + botID + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			api := &fakeAPI{answers: map[string]string{"GET /open-apis/bot/v3/info": answer}}
			params := map[string]string{"mentions_me": "true", "chat_id": " oc_1 "}
			if err := normalizeReceive(t.Context(), api, params); err != nil {
				t.Fatal(err)
			}
			if params["bot_open_id"] != botID || params["chat_id"] != "oc_1" {
				t.Errorf("params %v", params)
			}
			def := receiveKey()
			if _, echoed := eventcore.TypedParams(&def, params)["bot_open_id"]; echoed {
				t.Error("the bot's id is shown as a param")
			}
		})
	}
}

func TestNormalizeAsksNothingWithoutNeed(t *testing.T) {
	api := &fakeAPI{}
	params := map[string]string{"mentions_me": "false", "sender_id": "ou_1", "chat_id": " "}
	if err := normalizeReceive(t.Context(), api, params); err != nil {
		t.Fatal(err)
	}
	if _, ok := params["chat_id"]; ok || len(api.calls) != 0 {
		t.Errorf("params %v, calls %v", params, api.calls)
	}
}

func TestNormalizeErrors(t *testing.T) {
	refusal := &eventcore.Error{Code: eventcore.CodePermissionDenied, Message: "no"}
	tests := map[string]struct {
		params map[string]string
		api    eventcore.APIClient
		code   eventcore.Code
	}{
		"a name as chat":   {map[string]string{"chat_id": "Release 4.2"}, nil, eventcore.CodeInvalidParams},
		"a name as sender": {map[string]string{"sender_id": "Ada"}, nil, eventcore.CodeInvalidParams},
		"no client":        {map[string]string{"mentions_me": "true"}, nil, eventcore.CodePlatformError},
		"refused":          {map[string]string{"mentions_me": "true"}, &fakeAPI{err: refusal}, eventcore.CodePermissionDenied},
		"no bot":           {map[string]string{"mentions_me": "true"}, &fakeAPI{answers: map[string]string{"GET /open-apis/bot/v3/info": `{}`}}, eventcore.CodePlatformError},
		"no object":        {map[string]string{"mentions_me": "true"}, &fakeAPI{answers: map[string]string{"GET /open-apis/bot/v3/info": `[]`}}, eventcore.CodePlatformError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := normalizeReceive(t.Context(), tt.api, tt.params)
			var e *eventcore.Error
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Fatalf("error %v, want code %s", err, tt.code)
			}
			if tt.code == eventcore.CodeInvalidParams && (e.Hint == "" || e.Param == "") {
				t.Errorf("error %+v has no hint or no param", e)
			}
		})
	}
}
