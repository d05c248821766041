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
			path := "GET /open-apis/im/v1/messages/" + string(event.Event.Message.MessageID)
			api := &fakeAPI{answers: map[string]string{path: strings.ReplaceAll(forwardAnswer, "om_top", string(event.Event.Message.MessageID))}}
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

func TestForwardThatCannotBeFetchedIsStillDelivered(t *testing.T) {
	id := "om_x"
	raw := &eventcore.RawEvent{Payload: json.RawMessage(`{"event":{"message":{"message_id":"om_x","chat_id":"oc_1","chat_type":"p2p","message_type":"merge_forward","content":"Merged and Forwarded Message"}}}`)}
	tests := map[string]struct {
		api  eventcore.APIClient
		want string
	}{
		"no client":   {nil, "there is no access to the open API"},
		"refused":     {&fakeAPI{err: keytest.Denied()}, "im:message:readonly"},
		"no list":     {&fakeAPI{answers: map[string]string{"GET /open-apis/im/v1/messages/" + id: `[]`}}, "cannot be read"},
		"no children": {&fakeAPI{answers: map[string]string{"GET /open-apis/im/v1/messages/" + id: `{"items":[]}`}}, "returned none of them"},
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
