package bus

import (
	"context"
	"log/slog"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// aheadJournal has events that are not published yet.
type aheadJournal struct{ journal.Journal }

func (aheadJournal) Head(context.Context) (eventcore.Position, error) { return 7, nil }

// A page that came from the journal may end there already, and its cursor must not pass for one of the future.
func TestTheHeadIsThatOfTheJournalAlsoBeforeItsEventsArePublished(t *testing.T) {
	b := newBus(Options{Logger: slog.New(slog.DiscardHandler)}, aheadJournal{}, &scopes{})
	b.recent.start(5)
	if head, err := b.seek(t.Context(), &protocol.Seek{Head: true}); err != nil || head != 7 {
		t.Errorf("the head is %d, %v; want 7", head, err)
	}
}
