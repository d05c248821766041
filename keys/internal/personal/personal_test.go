package personal

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestOnlyMineAsksWhoTheUserIs(t *testing.T) {
	api := &keytest.API{Answers: map[string]string{"GET /open-apis/authen/v1/user_info": `{"open_id":"ou_me"}`}}
	params := map[string]string{"only_mine": "false"}
	if err := Normalize(t.Context(), api, params); err != nil || len(params) != 1 {
		t.Errorf("params %v, error %v", params, err)
	}
	api.Want(t)
	params["only_mine"] = "true"
	if err := Normalize(t.Context(), api, params); err != nil {
		t.Fatal(err)
	}
	api.Want(t, "GET /open-apis/authen/v1/user_info")
	for event, want := range map[string]bool{
		`{"event":{"subscriber_ids":[{"open_id":"ou_you"},{"open_id":"ou_me"}]}}`: true,
		`{"event":{"subscriber_ids":["ou_me"]}}`:                                  true,
		`{"event":{"subscriber_ids":[{"open_id":"ou_you"}]}}`:                     false,
		`{"event":{"subscriber_ids":[{"open_id":null}]}}`:                         true,
		`{"event":{"subscriber_ids":null}}`:                                       true,
		`{"event":{"subscriber_ids":"ou_you"}}`:                                   true,
		`{"event":{}}`:                                                            true,
		`{`:                                                                       true,
	} {
		if got := Mine(&eventcore.RawEvent{Payload: []byte(event)}, params); got != want {
			t.Errorf("%s: %v", event, got)
		}
	}
	if !Mine(&eventcore.RawEvent{Payload: []byte(`{"event":{"subscriber_ids":["ou_you"]}}`)}, nil) {
		t.Error("without the param an event is lost")
	}
}

func TestOnlyMineThatCannotBeDecidedFailsTheSubscription(t *testing.T) {
	for name, api := range map[string]eventcore.APIClient{
		"refused": &keytest.API{Refuse: keytest.Denied()},
		"nobody":  &keytest.API{Answers: map[string]string{"GET /open-apis/authen/v1/user_info": `{}`}},
		"nothing": nil,
	} {
		err := Normalize(t.Context(), api, map[string]string{"only_mine": "true"})
		if failure := (*eventcore.Error)(nil); !errors.As(err, &failure) || failure.Hint == "" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// slow answers with each of its answers in turn.
type slow struct{ answers []string }

func (s *slow) CallAPI(context.Context, string, string, any) (json.RawMessage, error) {
	answer := s.answers[0]
	s.answers = s.answers[1:]
	return json.RawMessage(answer), nil
}

func TestGetSettledAsksOnceMore(t *testing.T) {
	type thing struct{ Title string }
	pending := func(answer *thing, err error) bool { return err == nil && answer.Title == "" }
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		got, err := GetSettled(t.Context(), &slow{[]string{`{"title":"now"}`}}, "/x", pending)
		if err != nil || got.Title != "now" || time.Since(start) != 0 {
			t.Errorf("got %v, %v after %v", got, err, time.Since(start))
		}
		got, err = GetSettled(t.Context(), &slow{[]string{`{}`, `{"title":"later"}`}}, "/x", pending)
		if err != nil || got.Title != "later" || time.Since(start) != settleDelay {
			t.Errorf("got %v, %v after %v", got, err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err = GetSettled(ctx, &slow{[]string{`{}`}}, "/x", pending); err != nil || got.Title != "" {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
