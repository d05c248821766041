package consume_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestWhereAReadingOfACursorBegins(t *testing.T) {
	b := startBus(t)
	c := newClient(t, b)
	key := register(t, eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"})
	other := subscribe(t, c, consume.Request{Key: register(t, eventcore.KeyDefinition{Key: "t.b", EventType: "t.b"})})
	sub := subscribe(t, c, consume.Request{Key: key})
	old := testutil.Events(1, 2, "t.a")
	for i := range old {
		old[i].Timestamp = time.Now().Add(-time.Hour)
	}
	b.Source.Send(t, old...)
	b.Source.Send(t, testutil.Events(3, 4, "t.a")...)
	all := read(t, c, at(sub), 10, 0)
	before, second, last := sub.Start, all.Events[1].Cursor, all.Next[0]
	beyond := eventcore.Cursor{Journal: last.Journal, After: last.After + 1000}
	foreign := eventcore.Cursor{Journal: "elsewhere", After: last.After}

	for name, test := range map[string]struct {
		sub       *consume.Subscription
		cursor    *eventcore.Cursor
		maxAge    time.Duration
		want      eventcore.Cursor
		truncated bool
	}{
		"now":                                  {sub: sub, want: last},
		"now, whatever the age":                {sub: sub, maxAge: time.Minute, want: last},
		"a cursor":                             {sub: sub, cursor: &before, want: before},
		"a cursor and an age it is within":     {sub: sub, cursor: &before, maxAge: 2 * time.Hour, want: before},
		"an age that leaves events out":        {sub: sub, cursor: &before, maxAge: time.Minute, want: second, truncated: true},
		"an age before the cursor":             {sub: sub, cursor: &second, maxAge: time.Minute, want: second},
		"an age that leaves only others out":   {sub: other, cursor: &before, maxAge: time.Minute, want: second},
		"a cursor of another journal":          {sub: sub, cursor: &foreign, want: before, truncated: true},
		"a cursor this journal has not given":  {sub: sub, cursor: &beyond, want: before, truncated: true},
		"another journal's cursor, and an age": {sub: sub, cursor: &foreign, maxAge: time.Minute, want: second, truncated: true},
	} {
		start, truncated, err := c.Locate(t.Context(), test.sub, test.cursor, test.maxAge)
		if err != nil || start != test.want || truncated != test.truncated {
			t.Errorf("%s: %v truncated %t (%v), want %v %t", name, start, truncated, err, test.want, test.truncated)
		}
	}
}

func TestParamsAreNormalizedWithoutABus(t *testing.T) {
	key := register(t, eventcore.KeyDefinition{
		Key: "t.n", EventType: "t.n", Params: []eventcore.ParamDef{{Name: "box", Type: eventcore.ParamString, Default: "me", Description: "a box"}},
		NormalizeParams: func(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
			params["box"] += "@example.com"
			return nil
		},
	})
	c := consume.New(consume.Options{App: testutil.Home(t).App("cli_test")})
	got, err := c.Normalize(t.Context(), key, nil)
	if err != nil || !maps.Equal(got, map[string]string{"box": "me@example.com"}) {
		t.Errorf("normalized to %v, %v", got, err)
	}
	if _, err := c.Normalize(t.Context(), key, map[string]any{"crate": "x"}); !eventcore.IsCode(err, eventcore.CodeInvalidParams) {
		t.Errorf("an unknown param: %v", err)
	}
}
