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

// slowJournal counts for as long as it may.
type slowJournal struct{ journal.Journal }

func (slowJournal) Count(ctx context.Context, _ eventcore.Position, _ []string) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// A consumer that was told of an error would not ask the next bus.
func TestWhatABusDidNotFinishWhenItEndedIsNotAnswered(t *testing.T) {
	b := &Bus{log: slog.New(slog.DiscardHandler), journal: slowJournal{}}
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
	if err := protocol.NewReader(theirs, protocol.MaxResponseLine).Read(&answer); !errors.Is(err, io.EOF) {
		t.Errorf("it answered %+v, %v", answer.Error, err)
	}
}
