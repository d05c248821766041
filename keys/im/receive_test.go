package im

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

// fakeAPI answers by method and path, and keeps what it was asked.
type fakeAPI struct {
	answers map[string]string
	err     error
	calls   []string
}

func (f *fakeAPI) CallAPI(_ context.Context, method, path string, body any) (json.RawMessage, error) {
	f.calls = append(f.calls, method+" "+path)
	if body != nil {
		return nil, errors.New("a body was sent where none belongs")
	}
	if f.err != nil {
		return nil, f.err
	}
	answer, ok := f.answers[method+" "+path]
	if !ok {
		return nil, &eventcore.Error{Code: eventcore.CodePlatformError, Message: "no such message"}
	}
	return json.RawMessage(answer), nil
}

const forwardAnswer = `{"items":[
	{"message_id":"om_top","msg_type":"merge_forward","body":{"content":"Merged and Forwarded Message"}},
	{"message_id":"om_1","upper_message_id":"om_top","msg_type":"text","create_time":"1767340000000","sender":{"id":"ou_1","id_type":"open_id","sender_name":"Ada"},"body":{"content":"{\"text\":\"@_user_1 two\\nlines\"}"},"mentions":[{"key":"@_user_1","id":"ou_2","id_type":"open_id","name":"Ben"}]},
	{"message_id":"om_2","upper_message_id":"om_top","msg_type":"merge_forward","create_time":"1767340001000","sender":{"id":"ou_2"},"body":{"content":"Merged and Forwarded Message"}},
	{"message_id":"om_3","upper_message_id":"om_2","msg_type":"image","sender":{"id":"ou_3"},"body":{"content":"{\"image_key\":\"img_1\"}"}},
	{"message_id":"om_2","upper_message_id":"om_3","msg_type":"merge_forward","body":{"content":""}},
	{"message_id":"om_4","upper_message_id":"om_top","msg_type":"text","body":{"content":"broken"}}]}`

// readForward is the call that reads a forwarded conversation.
func readForward(id string) string {
	return "GET /open-apis/im/v1/messages/" + id + "?card_msg_content_type=user_card_content"
}

func recorded(t *testing.T, name string) *eventcore.RawEvent {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return &eventcore.RawEvent{EventType: receiveMessage, Payload: payload}
}

func recordedNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if !strings.HasSuffix(file, ".golden.json") {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
		}
	}
	if len(names) < 12 {
		t.Fatalf("only %d recorded envelopes: %v", len(names), names)
	}
	return names
}

func TestProcessRecordedEnvelopes(t *testing.T) {
	for _, name := range recordedNames(t) {
		t.Run(name, func(t *testing.T) {
			raw := recorded(t, name)
			event, err := parseReceived(raw)
			if err != nil {
				t.Fatal(err)
			}
			api := &fakeAPI{answers: map[string]string{readForward(string(event.Event.Message.MessageID)): strings.ReplaceAll(forwardAnswer, "om_top", string(event.Event.Message.MessageID))}}
			got, err := processReceive(t.Context(), api, raw, nil)
			if err != nil {
				t.Fatal(err)
			}
			keytest.Validate(t, receiveKey(), got)
			keytest.CompareGolden(t, filepath.Join("testdata", name+".golden.json"), got)
			if wantCalls := event.Event.Message.MessageType == mergeForward; wantCalls != (len(api.calls) == 1) {
				t.Errorf("calls %v", api.calls)
			}
		})
	}
}

func TestProcessOfMessagesThatAreNotAsUsual(t *testing.T) {
	const notice = `"title":"Release 4.2","elements":[[{"tag":"img","image_key":"img_1"},{"tag":"text","text":"请升级至最新版本客户端，以查看内容"},{"tag":"text","text":""}]]`
	tests := []struct{ name, messageType, content, mentions, want string }{
		{"everyone is mentioned", "text", `{"text":"@_all it is green, thanks @_user_1"}`,
			`[{"key":"@_all","id":{"open_id":""},"name":"所有人"},{"key":"@_user_1","id":{"open_id":"ou_1"},"name":"Ben"}]`,
			`"message_type":"text","content":"@all it is green, thanks @Ben","mentions":[{"name":"Ben","id":"ou_1"}]}`},
		{"only everyone is mentioned", "text", `{"text":"@_all it is green"}`, `[{"key":"@_all","name":"All"}]`, `"message_type":"text","content":"@all it is green"}`},
		{"a card as sent beside a placeholder", "interactive", `{` + notice + `,"user_dsl":"{\"header\":{\"title\":{\"content\":\"Release\"}},\"elements\":[{\"tag\":\"markdown\",\"content\":\"green\"}]}"}`, `[]`,
			`"message_type":"interactive","content":"Release\ngreen"}`},
		{"a placeholder in place of a card", "interactive", `{` + notice + `}`, `[]`,
			`"message_type":"interactive","content":"Release 4.2\n[image]请升级至最新版本客户端，以查看内容","content_error":"the platform sent a placeholder in place of the card; ` +
				`to read the card, GET /open-apis/im/v1/messages/om_1?card_msg_content_type=user_card_content with the scope im:message:readonly, in groups also im:message.group_msg"}`},
		{"a wrapped post", "post", `{"post":{"zh_cn":{"title":"周报","content":[[{"tag":"img","image_key":"img_1"}]]}}}`, `[]`,
			`"message_type":"post","content":"周报\n[image]","attachments":[{"type":"image","key":"img_1"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			content, err := json.Marshal(tt.content)
			if err != nil {
				t.Fatal(err)
			}
			raw := &eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"message":{"message_id":"om_1","chat_id":"oc_1","chat_type":"group","message_type":"` +
				tt.messageType + `","content":` + string(content) + `,"mentions":` + tt.mentions + `}}}`)}
			api := &fakeAPI{}
			got, err := processReceive(t.Context(), api, raw, nil)
			if want := `{"message_id":"om_1","chat_id":"oc_1","chat_type":"group",` + tt.want; err != nil || string(got) != want {
				t.Errorf("got\n%s, error %v, want\n%s", got, err, want)
			}
			keytest.Validate(t, receiveKey(), got)
			if len(api.calls) > 0 {
				t.Errorf("the platform was asked %v", api.calls)
			}
		})
	}
}

func TestForwardThatCannotBeFetchedIsStillDelivered(t *testing.T) {
	id := "om_x"
	raw := &eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"message":{"message_id":"om_x","chat_id":"oc_1","chat_type":"p2p","message_type":"merge_forward","content":"Merged and Forwarded Message"}}}`)}
	tests := map[string]struct {
		api  eventcore.APIClient
		want string
	}{
		"no client":   {nil, "there is no access to the open API"},
		"refused":     {&fakeAPI{err: keytest.Denied()}, "im:message:readonly"},
		"no list":     {&fakeAPI{answers: map[string]string{readForward(id): `[]`}}, "cannot be read"},
		"no children": {&fakeAPI{answers: map[string]string{readForward(id): `{"items":[]}`}}, "returned none of them"},
		"itself only": {&fakeAPI{answers: map[string]string{readForward(id): `{"items":[{"message_id":"om_x","msg_type":"merge_forward"}]}`}}, "returned none of them"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := processReceive(t.Context(), tt.api, raw, nil)
			var failure *eventcore.Error
			if !errors.As(err, &failure) || !strings.Contains(failure.Message, "the forwarded messages could not be looked up") {
				t.Errorf("error %v beside the message", err)
			}
			if failure != nil && (name == "refused") != slices.Equal(failure.Scopes, []string{"im:message:readonly"}) {
				t.Errorf("scopes %v", failure.Scopes)
			}
			keytest.Validate(t, receiveKey(), got)
			var message MessageReceived
			if err := json.Unmarshal(got, &message); err != nil {
				t.Fatal(err)
			}
			if message.MessageID != id || message.Content != "[merge_forward]" || !strings.Contains(message.ContentError, tt.want) {
				t.Errorf("got %s, want an error about %q", got, tt.want)
			}
		})
	}
}

func TestProcessOfAnEventWithoutMessageIsAnError(t *testing.T) {
	for _, payload := range []string{``, `null`, `[]`, `{}`, `{"event":{"message":"text"}}`, `{"event":{"message":{"chat_id":"oc_1"}}}`} {
		if got, err := processReceive(t.Context(), nil, &eventcore.RawEvent{Payload: json.RawMessage(payload)}, nil); err == nil {
			t.Errorf("%q gives %s", payload, got)
		}
	}
}

// A model that takes an echo of its own answer for a question answers for ever, and an app without a scope waits for
// messages that never come.
func TestDescriptionNamesWhatCanGoWrong(t *testing.T) {
	description := receiveKey().Description
	for _, want := range []string{
		"normally does not come back", "sender_type is app or bot", "must not be answered",
		"im:message.group_at_msg:readonly", "im:message.group_at_msg.include_bot:readonly, custom apps only",
		"im:message:readonly, in groups also im:message.group_msg",
	} {
		if !strings.Contains(description, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// maxPageRatio bounds what a page of short messages costs a model, as a share of the raw envelopes without user_agent.
// More than half of what is left is the four ids of each message, which the envelope has as well; longer texts
// move the ratio towards 1, cards and posts away from it.
const maxPageRatio = 0.45

func TestPageIsMuchSmallerThanTheEnvelopes(t *testing.T) {
	var raws, processed int
	page := []string{"text_p2p", "text_mentions", "post", "image", "text_p2p", "text_mentions", "file", "text_p2p", "text_mentions", "audio",
		"text_p2p", "interactive", "text_mentions", "media", "text_p2p", "text_mentions", "post", "text_p2p", "image", "text_p2p"}
	for _, name := range page {
		raw := recorded(t, name)
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw.Payload); err != nil {
			t.Fatal(err)
		}
		got, err := processReceive(t.Context(), nil, raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		raws, processed = raws+compact.Len(), processed+len(got)
	}
	ratio := float64(processed) / float64(raws)
	t.Logf("%d messages: %d bytes of %d, ratio %.3f", len(page), processed, raws, ratio)
	if len(page) != 20 || ratio > maxPageRatio {
		t.Errorf("ratio %.3f, want at most %.2f", ratio, maxPageRatio)
	}
}

func FuzzProcess(f *testing.F) {
	for _, seed := range []string{"text_mentions", "loose_types", "merge_forward"} {
		payload, err := os.ReadFile("testdata/" + seed + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Add([]byte(`{"event":{"message":{"message_id":1,"content":null,"mentions":[null,{}]}}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := &eventcore.RawEvent{Payload: payload}
		matchReceive(raw, map[string]string{paramMentionsMe: "true"})
		got, err := processReceive(t.Context(), nil, raw, nil)
		if err == nil && !json.Valid(got) {
			t.Errorf("not JSON: %s", got)
		}
	})
}
