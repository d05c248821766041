package bus

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
)

// brokenJournal answers with errors.
type brokenJournal struct {
	journal.Journal
	read, stats error
}

func (b brokenJournal) Read(context.Context, journal.Query) (journal.Batch, error) {
	return journal.Batch{}, b.read
}
func (b brokenJournal) Stats(context.Context) (journal.Stats, error) { return journal.Stats{}, b.stats }
func (b brokenJournal) ID() string                                   { return "j" }

func TestTheStatusTellsOfAJournalThatNeedsMending(t *testing.T) {
	damage := &eventcore.Error{Code: eventcore.CodeBusUnavailable, Message: "the journal is damaged", Hint: "move it away"}
	passing := errors.New("interrupted")
	for _, c := range []struct {
		name      string
		log       brokenJournal
		tells     *eventcore.Error
		statusErr error
	}{
		{"found by a reader", brokenJournal{read: damage}, damage, nil},
		{"found by the status", brokenJournal{stats: damage}, damage, nil},
		{"a read whose error passes", brokenJournal{read: passing}, nil, nil},
		{"a status whose error passes", brokenJournal{stats: passing}, nil, passing},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBus(Options{Logger: slog.New(slog.DiscardHandler)}, c.log, &scopes{})
			b.recent.start(5)
			if _, _, err := b.readRetained(t.Context(), fetchOf(0)); !errors.Is(err, c.log.read) {
				t.Errorf("read: %v", err)
			}
			status, err := b.status(t.Context())
			if !errors.Is(err, c.statusErr) {
				t.Errorf("status: %v, want %v", err, c.statusErr)
			}
			if err == nil && (status.Unreadable != c.tells || status.Journal.ID != "j") {
				t.Errorf("status %+v, want it to tell of %v", status, c.tells)
			}
		})
	}
}
