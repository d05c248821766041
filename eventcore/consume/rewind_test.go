package consume

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestOnlyACursorBehindTheJournalAsItIsNowIsOfAnotherOne(t *testing.T) {
	const (
		batch = `{"id":$,"batch":{"events":[],"next":4,"head":4}}`
		all   = `{"id":$,"batch":{"events":[],"next":9,"head":9,"gap":true}}`
	)
	for name, test := range map[string]struct {
		lines     string
		truncated bool
	}{
		"the batch is older than the cursor":        {batch + "\n" + `{"id":$,"position":{"after":9}}`, false},
		"an older copy of the journal was put back": {batch + "\n" + `{"id":$,"position":{"after":4}}` + "\n" + all, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				def := &eventcore.KeyDefinition{Key: "t.a", EventType: "t.a"}
				var at []At
				for i, after := range []eventcore.Position{2, 9} {
					sub := newSubscription(def, nil, strings.Repeat(".", i))
					at = append(at, At{Subscription: sub, Cursor: eventcore.Cursor{Journal: "j1", After: after}})
				}
				page, err := answeredBy(t, test.lines).Read(t.Context(), at, Limit{Events: 10}, 0)
				if err != nil || page.Truncated != test.truncated {
					t.Fatalf("%v, %+v; want truncated %t", err, page, test.truncated)
				}
			})
		})
	}
}
