package mcp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// fakeWebhooks keeps what it was asked, and answers with what it was given.
type fakeWebhooks struct {
	asked   webhook.Request
	ended   []string
	grant   webhook.Grant
	refusal error
	stand   []webhook.Standing
	closed  bool
}

func (f *fakeWebhooks) Subscribe(_ context.Context, req webhook.Request) (webhook.Grant, error) {
	f.asked = req
	return f.grant, f.refusal
}

func (f *fakeWebhooks) Unsubscribe(_ context.Context, principal, name string, arguments json.RawMessage, url string) error {
	f.ended = []string{principal, name, string(arguments), url}
	return f.refusal
}

func (f *fakeWebhooks) Standings() []webhook.Standing { return f.stand }

func (f *fakeWebhooks) Close(context.Context) error {
	f.closed = true
	return nil
}

// webhookSession is a session over HTTP, of an authenticated client.
func webhookSession(t *testing.T, w Webhooks) *Session {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	server := NewServer(Options{Consumer: func() (Consumer, error) { return consumer, nil }})
	if w != nil {
		server.OfferWebhooks(w)
	}
	s := server.newSession(&recorder{}, "ada")
	s.http = true
	s.SetProtocolVersion("2025-11-25")
	t.Cleanup(func() {
		s.close(context.Background())
		server.Close(context.Background())
	})
	return s
}

// request has a session answer a request.
func request(t *testing.T, s *Session, method, params string) rpc {
	t.Helper()
	msg, problem := parseMessage([]byte(`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`))
	if problem != nil {
		t.Fatal(problem)
	}
	return decode[rpc](t, s.answer(t.Context(), &call{session: s, out: s.out}, msg))
}

const endpoint = `"mode":"webhook","url":"https://example.com/hook","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`

func TestAWebhookIsSubscribedFor(t *testing.T) {
	until := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	w := &fakeWebhooks{grant: webhook.Grant{ID: "wh_1", RefreshBefore: &until, Cursor: eventcore.Cursor{Journal: "j1", After: 7}, Truncated: true,
		Status: &webhook.DeliveryStatus{Active: true}}}
	s := webhookSession(t, w)
	answer := request(t, s, "events/subscribe", `{"name":"`+messageKey+`","arguments":{"chat_type":"p2p"},"delivery":{`+endpoint+
		`},"cursor":"_1.j1","maxAgeMs":60000,"ttlMs":120000}`)
	want := `{"id":"wh_1","refreshBefore":"2026-10-01T09:00:00Z","cursor":"_7.j1","truncated":true,` +
		`"deliveryStatus":{"active":true,"lastDeliveryAt":null,"lastError":null}}`
	if string(answer.Result) != want {
		t.Errorf("granted %s %+v\nwant %s", answer.Result, answer.Error, want)
	}
	asked := w.asked
	if asked.Principal != "ada" || asked.Name != messageKey || string(asked.Arguments) != `{"chat_type":"p2p"}` || asked.URL != "https://example.com/hook" ||
		asked.Secret == "" || *asked.Cursor != "_1.j1" || asked.MaxAge != time.Minute || *asked.TTL != 2*time.Minute {
		t.Errorf("asked for %+v", asked)
	}
	answer = request(t, s, "events/unsubscribe", `{"name":"`+messageKey+`","delivery":{"url":"https://example.com/hook"}}`)
	if string(answer.Result) != `{}` || !slices.Equal(w.ended, []string{"ada", messageKey, "{}", "https://example.com/hook"}) {
		t.Errorf("ended %v: %s %+v", w.ended, answer.Result, answer.Error)
	}
}

func TestALifetimeThatIsNotNamedIsAnHourAndNullHasNoEnd(t *testing.T) {
	w := &fakeWebhooks{}
	s := webhookSession(t, w)
	params := `{"name":"` + messageKey + `","delivery":{` + endpoint + `},"cursor":null`
	request(t, s, "events/subscribe", params+`}`)
	if w.asked.TTL == nil || *w.asked.TTL != time.Hour || w.asked.Cursor != nil || w.asked.MaxAge != 0 {
		t.Errorf("left out: %+v", w.asked)
	}
	request(t, s, "events/subscribe", params+`,"ttlMs":null}`)
	if w.asked.TTL != nil {
		t.Errorf("null: %v", *w.asked.TTL)
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	body := func(name, delivery string) string {
		return `{"name":"` + name + `","delivery":{` + delivery + `},"cursor":null}`
	}
	refused := &webhook.Error{Code: -32015, Message: "the endpoint did not echo the challenge", Data: map[string]any{"reason": "challenge_failed"}}
	for name, test := range map[string]struct {
		params string
		change func(s *Session, w *fakeWebhooks)
		code   int
		says   string
	}{
		"not over HTTP":               {params: body(messageKey, endpoint), change: func(s *Session, _ *fakeWebhooks) { s.http = false }, code: codeForbidden, says: "over HTTP"},
		"not authenticated":           {params: body(messageKey, endpoint), change: func(s *Session, _ *fakeWebhooks) { s.principal = "" }, code: codeForbidden, says: "authenticated"},
		"not offered":                 {params: body(messageKey, endpoint), change: func(s *Session, _ *fakeWebhooks) { s.server.webhooks = nil }, code: codeUnsupported, says: "without webhooks"},
		"another mode":                {params: body(messageKey, strings.Replace(endpoint, "webhook", "pigeon", 1)), code: codeUnsupported, says: "pigeon"},
		"the members of another mode": {params: body(messageKey, `"mode":"queue","topic":"in"`), code: codeUnsupported, says: "queue"},
		"no mode":                     {params: body(messageKey, `"url":"https://example.com"`), code: mcpgo.INVALID_PARAMS, says: `"mode" is required`},
		"no delivery":                 {params: `{"name":"` + messageKey + `","cursor":null}`, code: mcpgo.INVALID_PARAMS, says: `"delivery" is required`},
		"an url of 7":                 {params: body(messageKey, `"mode":"webhook","secret":"whsec_","url":7`), code: mcpgo.INVALID_PARAMS, says: `delivery: argument "url" must be a string`},
		"a lifetime of 0":             {params: strings.Replace(body(messageKey, endpoint), `"cursor"`, `"ttlMs":0,"cursor"`, 1), code: mcpgo.INVALID_PARAMS, says: "ttlMs"},
		"an unknown event":            {params: body("test.nothing", endpoint), code: codeNotFound, says: "test.nothing"},
		"a bad cursor":                {params: strings.Replace(body(messageKey, endpoint), "null", `"x"`, 1), code: mcpgo.INVALID_PARAMS, says: "cursor"},
		"the endpoint": {params: body(messageKey, endpoint), change: func(_ *Session, w *fakeWebhooks) { w.refusal = refused },
			code: -32015, says: "challenge"},
		"the platform": {params: body(messageKey, endpoint), change: func(_ *Session, w *fakeWebhooks) {
			w.refusal = &eventcore.Error{Code: eventcore.CodePermissionDenied, Message: "a scope is missing"}
		}, code: codeForbidden, says: "scope"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeWebhooks{}
			s := webhookSession(t, w)
			if test.change != nil {
				test.change(s, w)
			}
			answer := request(t, s, "events/subscribe", test.params)
			if answer.Error == nil || answer.Error.Code != test.code || !strings.Contains(answer.Error.Message, test.says) {
				t.Errorf("answered %s %+v, want %d and %q", answer.Result, answer.Error, test.code, test.says)
			}
		})
	}
}

func TestDeliveriesFollowFromTransportAndConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *Session)
		want   string
	}{
		"HTTP, authenticated":     {func(*Session) {}, `["poll","push","webhook"]`},
		"HTTP, not authenticated": {func(s *Session) { s.principal = "" }, `["poll","push"]`},
		"HTTP, no webhooks":       {func(s *Session) { s.server.webhooks = nil }, `["poll","push"]`},
		"stdio":                   {func(s *Session) { s.http = false }, `["poll","push"]`},
	} {
		t.Run(name, func(t *testing.T) {
			s := webhookSession(t, &fakeWebhooks{})
			test.change(s)
			answer := request(t, s, "events/list", `{}`)
			if !strings.Contains(string(answer.Result), `"delivery":`+test.want+`,`) {
				t.Errorf("listed %s, want %s", answer.Result, test.want)
			}
		})
	}
}

func TestAFeedOfAWebhook(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	server := NewServer(Options{Consumer: func() (Consumer, error) { return consumer, nil }})
	defer server.Close(context.Background())
	feeds := server.Feeds()

	consumer.publish(messageKey, `{"text":"one"}`, `!{"raw":true}`)
	foreign := eventcore.Cursor{Journal: "other", After: 1}.String()
	feed, err := feeds.Open(t.Context(), messageKey, json.RawMessage(`{"chat_type":"p2p"}`), &foreign, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !feed.Truncated() || feed.Start() != (eventcore.Cursor{Journal: "j1"}) {
		t.Errorf("began at %v, truncated %t", feed.Start(), feed.Truncated())
	}
	page, err := feed.Read(t.Context(), feed.Start(), 10, 0)
	if err != nil || len(page.Occurrences) != 2 || page.Next != consumer.head() || page.Truncated {
		t.Fatalf("read %+v, %v", page, err)
	}
	one, two := page.Occurrences[0], page.Occurrences[1]
	if one.EventID != "e1" || one.Name != messageKey || one.Timestamp != testEpoch.Add(time.Second) || string(one.Data) != `{"text":"one"}` ||
		one.Meta != nil || one.Cursor.After != 1 || !strings.Contains(string(two.Meta), errorMetaKey) {
		t.Errorf("read %+v", page)
	}
	if err := feed.Close(t.Context()); err != nil || consumer.subscriptions() != 0 {
		t.Errorf("closed: %v, %d subscriptions", err, consumer.subscriptions())
	}

	canonical, err := feeds.Canonical(t.Context(), messageKey, json.RawMessage(`{"min_length":"7","chat_type":"p2p"}`))
	if want := `{"chat_type":"p2p","mentions_me":false,"min_length":7}`; err != nil || string(canonical) != want {
		t.Errorf("canonical: %s, %v, want %s", canonical, err, want)
	}
	for _, bad := range []string{`{"chat":1}`, `7`, `{"a":1},"b":{`, `{`} {
		if _, err := feeds.Canonical(t.Context(), messageKey, json.RawMessage(bad)); !eventcore.IsCode(err, eventcore.CodeInvalidParams) {
			t.Errorf("arguments %s: %v", bad, err)
		}
	}
}

func TestTheServersEndClosesWebhooks(t *testing.T) {
	w := &fakeWebhooks{}
	server := NewServer(Options{Consumer: func() (Consumer, error) { return newFakeConsumer(), nil }})
	server.OfferWebhooks(w)
	server.Close(t.Context())
	if !w.closed {
		t.Error("they were not closed")
	}
	registerKeys(t, messageDefinition())
	if _, err := server.Feeds().Open(t.Context(), messageKey, nil, nil, 0); !eventcore.IsCode(err, eventcore.CodeBusUnavailable) {
		t.Errorf("a feed after the end: %v", err)
	}
}
