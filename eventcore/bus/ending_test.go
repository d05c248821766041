package bus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// slowJournal counts until it may no longer; then it fails, or is done.
type slowJournal struct {
	journal.Journal
	done bool
}

func (j slowJournal) Count(ctx context.Context, _ eventcore.Position, _ []string) (int, error) {
	<-ctx.Done()
	if j.done {
		return 3, nil
	}
	return 0, ctx.Err()
}

// A consumer that was told of an error would not ask the next bus; one that was told nothing would ask it for what has
// been done.
func TestABusThatEndsAnswersWhatItHasDoneOnly(t *testing.T) {
	for _, done := range []bool{true, false} {
		b := &Bus{log: slog.New(slog.DiscardHandler), journal: slowJournal{done: done}}
		ours, theirs := net.Pipe()
		defer theirs.Close()
		c := &conn{bus: b, net: ours, out: protocol.NewWriter(ours), pending: map[uint64]context.CancelFunc{}}
		ctx, end := context.WithCancel(t.Context())
		c.start(ctx, &protocol.Request{ID: 1, Count: &protocol.Count{}})
		end()
		go func() {
			c.work.Wait()
			ours.Close()
		}()
		var answer protocol.Response
		err := protocol.NewReader(theirs, protocol.MaxResponseLine).Read(&answer)
		if done && (err != nil || answer.ID != 1 || answer.Error != nil) || !done && !errors.Is(err, io.EOF) {
			t.Errorf("done %v: it answered %+v, %v", done, answer, err)
		}
	}
}
