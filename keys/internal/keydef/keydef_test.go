package keydef

import (
	"context"
	"embed"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

type payload struct {
	Operator *struct {
		OpenID  *string `json:"open_id,omitempty"`
		UnionID *string `json:"union_id,omitempty"`
		UserID  *string `json:"user_id,omitempty"`
	} `json:"operator,omitempty"`
}

func TestNativeFillsInWhatFollowsFromTheKey(t *testing.T) {
	var none embed.FS
	def := Native[payload](eventcore.KeyDefinition{Key: "x.y_v1"}, none, User("/event/operator", "who"), Field("/event", "", "what"))
	if def.EventType != "x.y_v1" || len(def.RequiredConsoleEvents) != 1 || def.RequiredConsoleEvents[0] != "x.y_v1" {
		t.Errorf("event type %q, console events %v", def.EventType, def.RequiredConsoleEvents)
	}
	if len(def.Schema.FieldOverrides) != 5 {
		t.Errorf("overrides %v", def.Schema.FieldOverrides)
	}
}

func TestMissingExampleIsRefusedByName(t *testing.T) {
	t.Cleanup(eventcore.ResetRegistryForTest)
	defer func() {
		message, _ := recover().(string)
		if !strings.Contains(message, "x.y_v1") || !strings.Contains(message, "Example") {
			t.Errorf("panic %q must name the key and the example", message)
		}
	}()
	var none embed.FS
	eventcore.RegisterKey(Native[payload](eventcore.KeyDefinition{Key: "x.y_v1"}, none))
}

func TestTextAsTime(t *testing.T) {
	for text, want := range map[Text]string{
		"1767340000123": "2026-01-02T07:46:40.123Z", "1767340000": "2026-01-02T07:46:40Z",
		"": "", "-1": "", "soon": "", "0": "", "999999999999999999": "",
	} {
		if got := text.UTC(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestProcessedDeliversWhatIsKnownBesideAnError(t *testing.T) {
	type in struct {
		ID Text `json:"id"`
	}
	type out struct {
		ID string `json:"id"`
	}
	denied := keytest.Denied()
	def := Processed(eventcore.KeyDefinition{Key: "x.y_v1"}, embed.FS{},
		func(_ context.Context, _ eventcore.APIClient, in *in, _ map[string]string) (*out, error) {
			if in.ID == "" {
				return nil, nil
			}
			return &out{string(in.ID)}, AllMissing(Missing("the title", denied, "a:read"), nil, Missing("the owner", denied, "b:read"))
		})
	data, err := def.Process(t.Context(), nil, &eventcore.RawEvent{Payload: []byte(`{"event":{"id":7}}`)}, nil)
	if string(data) != `{"id":"7"}` {
		t.Errorf("got %s", data)
	}
	var failure *eventcore.Error
	if !errors.As(err, &failure) || !slices.Equal(failure.Scopes, []string{"a:read", "b:read"}) ||
		!strings.Contains(failure.Message, "the title could not be looked up") || !strings.Contains(failure.Message, "the owner") {
		t.Errorf("error %+v", failure)
	}
	if data, err := def.Process(t.Context(), nil, &eventcore.RawEvent{Payload: []byte(`{"event":{}}`)}, nil); data != nil || err != nil {
		t.Errorf("a dropped event gives %s, %v", data, err)
	}
	for _, payload := range []string{`{}`, `{"event":[]}`, `x`} {
		if data, err := def.Process(t.Context(), nil, &eventcore.RawEvent{Payload: []byte(payload)}, nil); data != nil || err == nil {
			t.Errorf("%s gives %s, %v", payload, data, err)
		}
	}
}

func TestHintOfAMissingLookupReadsAsOneText(t *testing.T) {
	for given, want := range map[string]string{
		"check what it can see and do": "check what it can see and do; the lookup needs a:b, c:d",
		"":                             "the lookup needs a:b, c:d",
	} {
		denied := &eventcore.Error{Code: eventcore.CodePermissionDenied, Message: "refused", Hint: given}
		if got := eventcore.AsError(Missing("the title", denied, "a:b", "c:d")).Hint; got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

func TestSubscribedBy(t *testing.T) {
	def := SubscribedBy(eventcore.KeyDefinition{}, Post("/on", "x.y_v1"), func(params map[string]string) Call {
		return Call{Method: "DELETE", Path: "/off/" + params["id"]}
	})
	params := map[string]string{"id": "1"}
	api := &keytest.API{Answers: map[string]string{"POST /on": "{}", "DELETE /off/1": "{}"}}
	cleanup, err := def.PreConsume(t.Context(), api, params)
	if err != nil {
		t.Fatal(err)
	}
	if err := cleanup(); err != nil {
		t.Error(err)
	}
	api.Want(t, `POST /on {"event_type":"x.y_v1"}`, "DELETE /off/1")
	if err := def.Cleanup(t.Context(), api, params); err != nil {
		t.Error(err)
	}
	api.Want(t, "DELETE /off/1")
	if cleanup, err := def.PreConsume(t.Context(), &keytest.API{Refuse: keytest.Denied("a:b")}, params); cleanup != nil || err == nil {
		t.Error("a refused subscribe call gave a cleanup")
	}
}
