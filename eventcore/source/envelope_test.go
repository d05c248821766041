package source

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

var received = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestParseEnvelopeReadsTheHeaderAndDropsTheToken(t *testing.T) {
	cases := []struct {
		name    string
		body    string
		want    eventcore.RawEvent // without its payload
		payload string
	}{
		{
			name: "V2",
			body: `{"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1","create_time":"1608725989000",` +
				`"token":"VERIFY","app_id":"cli_1","tenant_key":"t1"},"event":{"message":{"content":"{\"text\":\"hi\"}"}}}`,
			want: eventcore.RawEvent{EventID: "e1", EventType: "im.message.receive_v1", SourceTime: "1608725989000"},
			payload: `{"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1","create_time":"1608725989000",` +
				`"app_id":"cli_1","tenant_key":"t1"},"event":{"message":{"content":"{\"text\":\"hi\"}"}}}`,
		},
		{
			name: "V2 card callback, whose event has a token of its own to update the card with",
			body: `{"schema":"2.0","header":{"event_id":"e2","event_type":"card.action.trigger","token":"VERIFY"},` +
				`"event":{"token":"c-keep","action":{"value":{"n":12345678901234567890}}}}`,
			want: eventcore.RawEvent{EventID: "e2", EventType: "card.action.trigger"},
			payload: `{"schema":"2.0","header":{"event_id":"e2","event_type":"card.action.trigger"},` +
				`"event":{"token":"c-keep","action":{"value":{"n":12345678901234567890}}}}`,
		},
		{
			name:    "V2 with a number where the platform writes a string",
			body:    `{"header":{"event_id":"e3","event_type":"a.b","create_time":1608725989000}}`,
			want:    eventcore.RawEvent{EventID: "e3", EventType: "a.b", SourceTime: "1608725989000"},
			payload: `{"header":{"event_id":"e3","event_type":"a.b","create_time":1608725989000}}`,
		},
		{
			name:    "V1",
			body:    `{"uuid":"u1","token":"VERIFY","ts":"1502199207.7171419","type":"event_callback","event":{"type":"leave_approval","x":1}}`,
			want:    eventcore.RawEvent{EventID: "u1", EventType: "leave_approval", SourceTime: "1502199207.7171419"},
			payload: `{"uuid":"u1","ts":"1502199207.7171419","type":"event_callback","event":{"type":"leave_approval","x":1}}`,
		},
		{
			name:    "card callback before V2",
			body:    `{"open_id":"ou_1","open_message_id":"om_1","token":"VERIFY","action":{"tag":"button"}}`,
			want:    eventcore.RawEvent{EventType: "card.action.trigger_v1"},
			payload: `{"open_id":"ou_1","open_message_id":"om_1","action":{"tag":"button"}}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseEnvelope([]byte(c.body), received)
			if err != nil {
				t.Fatal(err)
			}
			if c.want.EventID == "" {
				if !strings.HasPrefix(got.EventID, "sha256:") {
					t.Errorf("id %q, want one made of the body's hash", got.EventID)
				}
				c.want.EventID = got.EventID
			}
			c.want.Timestamp = received
			payload := got.Payload
			got.Payload = nil
			if !reflect.DeepEqual(got.RawEvent, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if decode(t, payload) != decode(t, []byte(c.payload)) {
				t.Errorf("payload %s, want %s", payload, c.payload)
			}
			if strings.Contains(string(payload), "VERIFY") {
				t.Error("the verification token is still there")
			}
		})
	}
}

func TestNoSpellingKeepsTheToken(t *testing.T) {
	for _, body := range []string{
		`{"Header":{"event_type":"a.b","Token":"VERIFY"},"event":{}}`,
		`{"header":{"event_type":"a.b","to\u006ben":"VERIFY"},"event":{}}`,
		`{"header":{"event_type":"a.b"},"token":"VERIFY","event":{}}`,
		`{"header":{"event_type":"a.b"},"header":{"event_type":"a.b","token":"VERIFY"},"event":{}}`,
		"{\n \"token\" : \"VERIFY\" , \"event\" : { \"type\" : \"a\" } }",
	} {
		event, err := ParseEnvelope([]byte(body), received)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		} else if strings.Contains(string(event.Payload), "VERIFY") || !json.Valid(event.Payload) {
			t.Errorf("%s becomes %s", body, event.Payload)
		}
	}
}

func TestWhatIsNoUTF8IsReplaced(t *testing.T) {
	event, err := ParseEnvelope([]byte("{\"header\":{\"event_id\":\"e\xff\",\"event_type\":\"a.b\xe4\"},\"event\":{\"te\xc0xt\":\"caf\xe9 é\"}}"), received)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"header":{"event_id":"e\ufffd","event_type":"a.b\ufffd"},"event":{"te\ufffdxt":"caf\ufffd é"}}`
	if !utf8.Valid(event.Payload) || decode(t, event.Payload) != decode(t, []byte(want)) {
		t.Errorf("payload %q, want %s", event.Payload, want)
	}
	if event.EventID != "e\uFFFD" || event.EventType != "a.b\uFFFD" {
		t.Errorf("id %q, type %q", event.EventID, event.EventType)
	}
}

// Many decoders refuse a text for half a character, and with it the whole page that has it.
func TestHalfACharacterIsReplaced(t *testing.T) {
	body := `{"header":{"event_id":"e1","event_type":"a.b"},"event":{"name":"cut \ud83d","emoji":"\ud83d\ude00","content":"{\"text\":\"\\ud83d\"}"}}`
	event, err := ParseEnvelope([]byte(body), received)
	if want := strings.Replace(body, `cut \ud83d`, `cut \ufffd`, 1); err != nil || string(event.Payload) != want {
		t.Errorf("payload %s, %v, want %s", event.Payload, err, want)
	}
}

// The platform may send a message again as another event, so that its event_id does not tell.
func TestAMessageIsToldByItsMessageID(t *testing.T) {
	const message = `{"header":{"event_id":"e1","event_type":"im.message.receive_v1","tenant_key":"t1"},"event":`
	for body, want := range map[string]string{
		message + `{"sender":{"message_id":"no"},"message":{"content":"{\"message_id\":\"no\"}","message_id":"om_1"}}}`: "t1/om_1",
		message + `{"message":{"mess\u0061ge_id":"om_1"}}}`:                                                             "t1/om_1",
		message + `{"message":{"message_id":1}}}`:                                                                       "",
		message + `{"message":{"message_id":""}}}`:                                                                      "",
		message + `{"message":{}}}`:                                                                                     "",
		message + `{"message":"om_1"}}`:                                                                                 "",
		message + `{}}`:                                                                                                 "",
		message + `null}`:                                                                                               "",
		// Of several, a reader of the payload has the last one.
		message + `{"message":{"message_id":"no","message_id":"om_1","message_id":null}}}`:                             "t1/om_1",
		message + `{"message":{"message_id":"no"},"message":{"message_id":"om_1"}}}`:                                   "t1/om_1",
		`{"event":{"message":{"message_id":"om_1"}},"header":{"event_id":"e1","event_type":"im.message.receive_v1"}}`:  "/om_1",
		`{"header":{"event_id":"e1","event_type":"im.message.recalled_v1"},"event":{"message":{"message_id":"om_1"}}}`: "",
		`{"uuid":"e1","event":{"type":"im.message.receive_v1","message":{"message_id":"om_1"}}}`:                       "",
	} {
		event, err := ParseEnvelope([]byte(body), received)
		if err != nil || event.EventID != "e1" || event.DedupID != want {
			t.Errorf("%s is told by %q, and its id is %q, %v; want %q and e1", body, event.DedupID, event.EventID, err, want)
		}
	}
}

func TestAnEventWithoutAnIDGetsTheSameOneEachTime(t *testing.T) {
	id := func(body string) string {
		event, err := ParseEnvelope([]byte(body), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return event.EventID
	}
	one, two := `{"header":{"event_type":"a.b"},"event":{"n":1}}`, `{"header":{"event_type":"a.b"},"event":{"n":2}}`
	first, again, other := id(one), id(one), id(two)
	if first != again || first == other {
		t.Errorf("ids %s, %s and %s, want the first two equal and the third different", first, again, other)
	}
}

func TestWhatIsNoEventIsSaidWithoutQuotingIt(t *testing.T) {
	for _, body := range []string{
		``, `private`, `"private"`, `null`, `[]`, `{}`, `{"private":1}`, `{"header":{}}`, `{"header":null}`, `{"header":"private"}`,
		`{"header":{"event_id":"private"}}`, `{"header":{"event_type":{"private":1}}}`, `{"event":"private"}`,
		`{"event":{"private":1}}`, `{"event":{"type":7}}`, `{"challenge":"private","token":"private","type":"url_verification"}`,
		`{"header":{"event_type":"a.b"}} private`, `{"header":{"event_type":"a.b"},"event":`,
	} {
		event, err := ParseEnvelope([]byte(body), received)
		if !errors.Is(err, ErrNotEvent) {
			t.Errorf("%s: got %+v (%v), want ErrNotEvent", body, event, err)
		} else if strings.Contains(err.Error(), "private") {
			t.Errorf("%s: the error quotes it: %v", body, err)
		}
	}
}

func TestABodyThatNestsTooDeeplyIsNoEvent(t *testing.T) {
	nested := func(open, inner, end string, levels int) []byte {
		return []byte(`{"header":{"event_type":"a.b"},"event":` + strings.Repeat(open, levels) + inner + strings.Repeat(end, levels) + `}`)
	}
	for name, c := range map[string]struct {
		body    []byte
		refused bool
	}{
		"at the limit":       {nested("[", "", "]", maxDepth-1), false},
		"past the limit":     {nested("[", "", "]", maxDepth), true},
		"objects":            {nested(`{"a":`, "1", "}", maxDepth), true},
		"wide, not deep":     {nested("[", strings.Repeat("[],", 2*maxDepth)+"[]", "]", 1), false},
		"brackets in a text": {nested("[", `"`+strings.Repeat(`[{\"`, 2*maxDepth)+`"`, "]", 1), false},
	} {
		if _, err := ParseEnvelope(c.body, received); errors.Is(err, ErrNotEvent) != c.refused {
			t.Errorf("%s: %v, want it refused: %t", name, err, c.refused)
		}
	}
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add([]byte(`{"schema":"2.0","header":{"event_id":"e1","event_type":"a.b","token":"VERIFY"},"event":{}}`))
	f.Add([]byte(`{"uuid":"u1","token":"VERIFY","type":"event_callback","event":{"type":"leave"}}`))
	f.Add([]byte(`{"action":{},"token":"VERIFY"}`))
	f.Add([]byte(`{"header":{"event_type":"im.message.receive_v1","tenant_key":"t"},"event":{"message":{"message_id":"om_1"}}}`))
	f.Add([]byte(`{"Header":{"event_type":"a.b","to\u006ben":"VERIFY","TOKEN":"VERIFY"},"Token":"VERIFY","event":{}}`))
	f.Add([]byte(`{"header":{"event_type":"a.b"},"header":{"token":"VERIFY"}}`))
	f.Add([]byte("{\"header\":{\"event_type\":\"a.\xff\",\"tok\xc5\xbfen\":1},\"event\":{}}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := ParseEnvelope(body, received)
		if err != nil {
			if !errors.Is(err, ErrNotEvent) {
				t.Errorf("error %v, want ErrNotEvent", err)
			}
			return
		}
		if event.EventID == "" || event.EventType == "" || !json.Valid(event.Payload) || !utf8.Valid(event.Payload) {
			t.Errorf("an event without id, type or payload: %+v", event)
		}
		var envelope struct {
			Header map[string]any `json:"header"`
		}
		if json.Unmarshal(event.Payload, &envelope) == nil && envelope.Header["token"] != nil {
			t.Errorf("the payload has a token: %s", event.Payload)
		}
	})
}

// decode returns JSON in one form for all that mean the same, with every digit of its numbers.
func decode(t *testing.T, raw []byte) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// A store app is sent half of its credentials as an event. It is not for agents.
func TestATicketOfAStoreAppIsNoEvent(t *testing.T) {
	for _, body := range []string{
		`{"uuid":"u1","ts":"1.5","type":"event_callback","event":{"type":"app_ticket","app_ticket":"SECRET"}}`,
		`{"schema":"2.0","header":{"event_id":"e1","event_type":"app_ticket"},"event":{"app_ticket":"SECRET"}}`,
	} {
		raw, err := ParseEnvelope([]byte(body), received)
		if !errors.Is(err, ErrNotEvent) || strings.Contains(err.Error(), "SECRET") || raw.Payload != nil {
			t.Errorf("%s gives %s, %v", body, raw.Payload, err)
		}
	}
}
