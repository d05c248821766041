package mail

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const (
	mailboxCalls = "/open-apis/mail/v1/user_mailboxes/ada@acme.example"
	mailID       = "TUlHc1NoWFhJMXgyUi9VZTNVL3h6UnlkRUdzPQ=="
	mailPath     = "GET " + mailboxCalls + "/messages/" + mailID + "?format="
)

// answering is a platform that has the recorded mail in every format.
func answering(t *testing.T) *keytest.API {
	t.Helper()
	answer, err := os.ReadFile("testdata/answer.json")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for _, format := range []string{formatMetadata, formatText, formatFull} {
		answers[mailPath+format] = string(answer)
	}
	return &keytest.API{Answers: answers}
}

func with(more ...string) map[string]string {
	params := map[string]string{paramMailbox: "ada@acme.example", paramFormat: formatMetadata}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	return params
}

// run runs the key on an event, holds what it gives against the schema, and reads it.
func run(t *testing.T, rt eventcore.APIClient, payload []byte, params map[string]string) (*Received, error) {
	t.Helper()
	def := receivedKey()
	data, err := def.Process(t.Context(), rt, &eventcore.RawEvent{Payload: payload}, params)
	if data == nil {
		return nil, err
	}
	keytest.Validate(t, def, data)
	var out Received
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return &out, err
}

func TestExampleSatisfiesTheSchema(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestRecordedEvent(t *testing.T) {
	if _, err := keytest.Golden(t, receivedKey(), answering(t), messageReceived, with(paramFormat, formatFull)); err != nil {
		t.Error(err)
	}
}

func TestEachFormatGivesWhatItSays(t *testing.T) {
	event := []string{"mailbox", "message_id", "subscriber_ids"}
	minimal := append(slices.Clone(event), "thread_id", "folder_id", "label_ids", "state", "date")
	metadata := append(slices.Clone(minimal), "subject", "from_address", "from_name", "to", "cc", "reply_to", "preview",
		"priority", "external_sender", "via_domain", "risk", "risk_reason")
	text := append(slices.Clone(metadata), "body_text")
	full := append(slices.Clone(text), "body_html", "attachments", "invitation", "smtp_message_id", "in_reply_to", "references")
	def := receivedKey()
	recorded := keytest.Recorded(t, def, messageReceived)
	for format, tt := range map[string]struct{ members, calls []string }{
		formatEvent:    {event, nil},
		formatMinimal:  {minimal, []string{mailPath + formatMetadata}},
		formatMetadata: {metadata, []string{mailPath + formatMetadata}},
		formatText:     {text, []string{mailPath + formatText}},
		formatFull:     {full, []string{mailPath + formatFull}},
	} {
		t.Run(format, func(t *testing.T) {
			api := answering(t)
			data, err := def.Process(t.Context(), api, recorded, with(paramFormat, format))
			if err != nil {
				t.Fatal(err)
			}
			api.Want(t, tt.calls...)
			keytest.Validate(t, def, data)
			var out map[string]json.RawMessage
			if err := json.Unmarshal(data, &out); err != nil {
				t.Fatal(err)
			}
			if got, want := slices.Sorted(maps.Keys(out)), slices.Sorted(slices.Values(tt.members)); !slices.Equal(got, want) {
				t.Errorf("members %v, want %v", got, want)
			}
			t.Logf("%d bytes", len(data))
		})
	}
}

func TestMailThatCannotBeFetchedIsDeliveredWithTheError(t *testing.T) {
	def := receivedKey()
	recorded := keytest.Recorded(t, def, messageReceived)
	for name, tt := range map[string]struct {
		rt     eventcore.APIClient
		params map[string]string
		want   string
		scope  string
	}{
		"refused":               {&keytest.API{Refuse: keytest.Denied()}, with(), "the mail could not be looked up", scopeMessage},
		"refused for a body":    {&keytest.API{Refuse: keytest.Denied()}, with(paramFormat, formatFull), "the mail", scopeBody},
		"refused for a filter":  {&keytest.API{Refuse: keytest.Denied()}, with(paramFolder, "INBOX", paramFormat, formatEvent), "the mail", scopeMessage},
		"the platform says":     {&keytest.API{Refuse: keytest.Denied("a:read")}, with(), "the mail", "a:read"},
		"no client":             {nil, with(paramLabel, "UNREAD"), "no access to the open API", ""},
		"deleted meanwhile":     {&keytest.API{Answers: map[string]string{mailPath + formatMetadata: `{}`}}, with(), "without the mail", ""},
		"an answer of no sense": {&keytest.API{Answers: map[string]string{mailPath + formatMetadata: `{"message":{"to":"x"}}`}}, with(paramFrom, "x@y.z"), "cannot be read", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tt.rt, recorded.Payload, tt.params)
			if out == nil || out.MessageID != mailID || out.Mailbox != "ada@acme.example" {
				t.Fatalf("got %+v", out)
			}
			var failure *eventcore.Error
			if !errors.As(err, &failure) || !strings.Contains(failure.Message, tt.want) || failure.Hint == "" {
				t.Fatalf("error %v, want %q and a hint", err, tt.want)
			}
			if tt.scope != "" && !slices.Contains(failure.Scopes, tt.scope) {
				t.Errorf("scopes %v, want %s", failure.Scopes, tt.scope)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	recorded := keytest.Recorded(t, receivedKey(), messageReceived)
	for name, tt := range map[string]struct {
		params map[string]string
		want   bool
	}{
		"the folder":              {with(paramFolder, "INBOX"), true},
		"one of the folders":      {with(paramFolder, "SPAM,INBOX"), true},
		"another folder":          {with(paramFolder, "SPAM"), false},
		"a label":                 {with(paramLabel, "FLAGGED,7620003644333296666"), true},
		"another label":           {with(paramLabel, "FLAGGED"), false},
		"the sender":              {with(paramFrom, "ben.okafor@supplier.example"), true},
		"the sender's domain":     {with(paramFrom, "ada@acme.example,@supplier.example"), true},
		"the end of a domain":     {with(paramFrom, "@lier.example"), false},
		"another sender":          {with(paramFrom, "okafor@supplier.example"), false},
		"all at once":             {with(paramFolder, "INBOX", paramLabel, "UNREAD", paramFrom, "@supplier.example"), true},
		"all but one":             {with(paramFolder, "INBOX", paramLabel, "UNREAD", paramFrom, "@acme.example"), false},
		"without the mail itself": {with(paramFolder, "INBOX", paramFormat, formatEvent), true},
	} {
		t.Run(name, func(t *testing.T) {
			api := answering(t)
			out, err := run(t, api, recorded.Payload, tt.params)
			if err != nil || (out != nil) != tt.want {
				t.Fatalf("got %+v, %v", out, err)
			}
			api.Want(t, mailPath+formatMetadata)
			if tt.params[paramFormat] == formatEvent && out.ThreadID+out.Subject != "" {
				t.Errorf("msg_format event gives %+v", out)
			}
		})
	}
}

func TestFilterThatCannotBeDecidedDelivers(t *testing.T) {
	recorded := keytest.Recorded(t, receivedKey(), messageReceived)
	bare := &keytest.API{Answers: map[string]string{mailPath + formatMetadata: `{"message":{"subject":"x"}}`}}
	for param, scope := range map[string]string{paramFolder: scopeMessage, paramFrom: scopeAddress} {
		out, err := run(t, bare, recorded.Payload, with(param, "a@b.c"))
		var failure *eventcore.Error
		if out == nil || out.Subject != "x" || !errors.As(err, &failure) || failure.Param != param || !slices.Equal(failure.Scopes, []string{scope}) {
			t.Errorf("%s: got %+v, %v", param, out, err)
		}
	}
	if out, err := run(t, bare, recorded.Payload, with(paramLabel, "UNREAD")); out != nil || err != nil {
		t.Errorf("a mail without labels gives %+v, %v", out, err)
	}
}

func TestMailboxThatTheEventDoesNotName(t *testing.T) {
	payload := []byte(`{"event":{"message_id":"` + mailID + `","subscriber":null}}`)
	if !match(&eventcore.RawEvent{Payload: payload}, with()) {
		t.Error("the event is lost")
	}
	out, err := run(t, answering(t), payload, with())
	if err != nil || out.Mailbox != "ada@acme.example" {
		t.Errorf("fetched: got %+v, %v", out, err)
	}
	out, err = run(t, nil, payload, with(paramFormat, formatEvent))
	if out == nil || out.MessageID != mailID || !slices.Equal(eventcore.AsError(err).Scopes, []string{scopeMailAddress}) {
		t.Errorf("not fetched: got %+v, %v", out, err)
	}
}

func TestMatch(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"event":{"mail_address":"ada@acme.example"}}`: true,
		`{"event":{"mail_address":"Ada@ACME.example"}}`: true,
		`{"event":{"mail_address":"ben@acme.example"}}`: false,
		`{"event":{"mail_address":7}}`:                  false,
		`{"event":{}}`:                                  true,
		`{"event":"odd"}`:                               true,
		``:                                              true,
	} {
		if got := match(&eventcore.RawEvent{Payload: []byte(payload)}, with()); got != want {
			t.Errorf("%s: match = %v, want %v", payload, got, want)
		}
	}
}

func TestLongMailIsCutAndSaysSo(t *testing.T) {
	long := strings.Repeat("é", 40_000)
	list := make([]map[string]string, 60)
	for i := range list {
		list[i] = map[string]string{"mail_address": "a@b.c", "filename": "f"}
	}
	answer, err := json.Marshal(map[string]any{"message": map[string]any{
		"subject": long, "body_plain_text": long, "body_html": long, "to": list, "cc": list, "attachments": list,
	}})
	if err != nil {
		t.Fatal(err)
	}
	recorded := keytest.Recorded(t, receivedKey(), messageReceived)
	api := &keytest.API{Answers: map[string]string{mailPath + formatFull: string(answer)}}
	out, err := run(t, api, recorded.Payload, with(paramFormat, formatFull))
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]int{
		out.Subject: maxLine, out.BodyText: maxText, out.BodyHTML: maxHTML,
	} {
		if n := len([]rune(name)); n != got {
			t.Errorf("%d characters, want %d", n, got)
		}
	}
	if len(out.To) != maxRecipients || len(out.CC) != maxRecipients || out.MoreRecipients != 20 || len(out.Attachments) != maxFiles {
		t.Errorf("%d to, %d cc, %d more, %d attachments", len(out.To), len(out.CC), out.MoreRecipients, len(out.Attachments))
	}
	if !slices.Equal(out.Truncated, []string{"subject", "body_text", "body_html", "attachments"}) {
		t.Errorf("truncated %v", out.Truncated)
	}
}

func TestTextsAreDecoded(t *testing.T) {
	for encoded, want := range map[string]string{
		"SGkgQWRh": "Hi Ada", "SGk": "Hi", "SGk=": "Hi", "8J-ZjyA-": "🙏 >", "8J+ZjyA+": "🙏 >", "SGkg\r\nQWRh": "Hi Ada",
		"": "", "Hi, not base64!": "Hi, not base64!", "_____w": "_____w",
	} {
		if got := decodeText(keydef.Text(encoded)); got != want {
			t.Errorf("%q is %q, want %q", encoded, got, want)
		}
	}
}

func TestSubscriptionCalls(t *testing.T) {
	def := receivedKey()
	const on = "POST " + mailboxCalls + `/event/subscribe {"event_type":1}`
	const off = "POST " + mailboxCalls + `/event/unsubscribe {"event_type":1}`
	api := &keytest.API{Answers: map[string]string{
		strings.TrimSuffix(on, ` {"event_type":1}`): `{}`, strings.TrimSuffix(off, ` {"event_type":1}`): `{}`,
	}}
	cleanup, err := def.PreConsume(t.Context(), api, with())
	if err != nil {
		t.Fatal(err)
	}
	api.Want(t, on)
	if err := cleanup(); err != nil {
		t.Error(err)
	}
	api.Want(t, off)
	if err := def.Cleanup(t.Context(), api, with()); err != nil {
		t.Error(err)
	}
	api.Want(t, off)
}

func FuzzProcess(f *testing.F) {
	answer, err := os.ReadFile("testdata/answer.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, event := range []string{
		`{"event":{"mail_address":"ada@acme.example","message_id":"` + mailID + `","subscriber":{"user_ids":[{"open_id":"ou_1"},null,7]}}}`,
		`{"event":{"mail_address":null,"message_id":7,"subscriber":[]}}`, `{"event":{"message_id":{}}}`, `{"event":null}`, `[]`, ``,
	} {
		f.Add([]byte(event), answer)
		f.Add([]byte(event), []byte(`{"message":{"label_ids":[null,7],"to":[null],"head_from":null,"internal_date":-1,"security_level":null,"body_html":{},"attachments":[{"id":7}]}}`))
	}
	def := receivedKey()
	f.Fuzz(func(t *testing.T, event, answer []byte) {
		raw := &eventcore.RawEvent{Payload: event}
		params := with(paramFormat, formatFull)
		match(raw, params)
		api := &keytest.API{Answers: map[string]string{mailPath + formatFull: string(answer)}}
		data, err := def.Process(t.Context(), api, raw, params)
		if data == nil && err == nil {
			t.Errorf("%s is dropped without a word", event)
		}
		if data != nil && !json.Valid(data) {
			t.Errorf("not JSON: %s", data)
		}
	})
}
