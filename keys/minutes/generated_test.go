package minutes

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const lookup = "GET /open-apis/minutes/v1/minutes/obcnq3b9jl72l83w4f149w9c?user_id_type=open_id"

const answer = `{"minute":{"token":"obcnq3b9jl72l83w4f149w9c","owner_id":"ou_84aad35d084aa403a838cf73ee184671",
	"create_time":"1767342031000","title":"Weekly release sync","cover":"https://example.com/c.png","duration":"1805000",
	"url":"https://sample.feishu.cn/minutes/obcnq3b9jl72l83w4f149w9c","note_id":"7616590025794260496"}}`

func TestExamplesSatisfyTheirSchemas(t *testing.T) {
	for _, def := range Keys() {
		keytest.Validate(t, def, def.Example)
	}
}

func TestGeneratedMinutesAreLookedUp(t *testing.T) {
	api := &keytest.API{Answers: map[string]string{lookup: answer}}
	if _, err := keytest.Golden(t, generatedKey(), api, minuteGenerated, nil); err != nil {
		t.Error(err)
	}
	api.Want(t, lookup)
}

func TestMinutesThatCannotBeLookedUpAreStillDelivered(t *testing.T) {
	def := generatedKey()
	for name, api := range map[string]eventcore.APIClient{
		"refused": &keytest.API{Refuse: keytest.Denied()}, "nothing": nil, "broken": &keytest.API{Answers: map[string]string{lookup: `[]`}},
	} {
		data, err := def.Process(t.Context(), api, keytest.Recorded(t, def, minuteGenerated), nil)
		keytest.Validate(t, def, data)
		var out Generated
		if json.Unmarshal(data, &out) != nil || out.MinuteToken == "" || out.MeetingID != "7628148899983674909" {
			t.Errorf("%s: got %s", name, data)
		}
		var failure *eventcore.Error
		if !errors.As(err, &failure) || !strings.Contains(failure.Message, "the title, owner, length and link") {
			t.Errorf("%s: error %v", name, err)
		}
		if name == "refused" && !strings.Contains(strings.Join(failure.Scopes, ","), "minutes:minutes.basic:read") {
			t.Errorf("scopes %v", failure.Scopes)
		}
	}
}

// late has no title at the first call.
type late struct{ calls int }

func (l *late) CallAPI(context.Context, string, string, any) (json.RawMessage, error) {
	if l.calls++; l.calls == 1 {
		return json.RawMessage(`{"minute":{"token":"obcnq3b9jl72l83w4f149w9c"}}`), nil
	}
	return json.RawMessage(answer), nil
}

func TestTitleThatComesLateIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		def := generatedKey()
		data, err := def.Process(t.Context(), &late{}, keytest.Recorded(t, def, minuteGenerated), nil)
		if err != nil || !strings.Contains(string(data), `"title":"Weekly release sync"`) {
			t.Errorf("got %s, %v", data, err)
		}
	})
}

func TestMinutesOfOtherSourcesAndBrokenEvents(t *testing.T) {
	def := generatedKey()
	api := &keytest.API{Refuse: keytest.Denied()}
	for payload, want := range map[string]string{
		`{"event":{"minute_token":"a/b?c","minute_source":{"source_type":"upload","source_entity_id":"1"}}}`: `{"minute_token":"a/b?c"}`,
		`{"event":{"minute_token":7,"minute_source":null,"subscriber_ids":["ou_1"]}}`:                        `{"minute_token":"7","subscriber_ids":["ou_1"]}`,
	} {
		data, err := def.Process(t.Context(), api, &eventcore.RawEvent{Payload: []byte(payload)}, nil)
		if string(data) != want || err == nil {
			t.Errorf("%s gives %s, %v", payload, data, err)
		}
		keytest.Validate(t, def, data)
	}
	for _, payload := range []string{``, `null`, `{}`, `{"event":null}`, `{"event":{}}`, `{"event":[1]}`, `{"event":{"minute_token":null}}`, `{"event":{"minute_token":"m","minute_source":"x"}}`} {
		if data, err := def.Process(t.Context(), api, &eventcore.RawEvent{Payload: []byte(payload)}, nil); data != nil || err == nil {
			t.Errorf("%q gives %s, %v", payload, data, err)
		}
	}
}

func TestGeneratedIsSubscribedTo(t *testing.T) {
	on, off := "POST /open-apis/minutes/v1/minutes/subscription", "POST /open-apis/minutes/v1/minutes/unsubscription"
	body := ` {"event_type":"minutes.minute.generated_v1"}`
	api := &keytest.API{Answers: map[string]string{on: `{}`, off: `{}`}}
	def := generatedKey()
	cleanup, err := def.PreConsume(t.Context(), api, nil)
	if err != nil {
		t.Fatal(err)
	}
	api.Want(t, on+body)
	if err := cleanup(); err != nil {
		t.Error(err)
	}
	api.Want(t, off+body)
	if err := def.Cleanup(t.Context(), api, nil); err != nil {
		t.Error(err)
	}
	api.Want(t, off+body)
}
