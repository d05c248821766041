package bus_test

import (
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestTheStatusTellsHowLongAcknowledgementsTook(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	b.Source.Sink().Acknowledged(2 * time.Millisecond)
	b.Source.Sink().Acknowledged(time.Hour)
	w := dial(t, b)
	w.send(hello, `{"id":1,"status":{}}`)
	w.receive()
	answer, ok := w.receive()
	if !ok || answer.Status == nil || answer.Status.Acknowledgements == nil {
		t.Fatalf("got %+v", answer)
	}
	h := answer.Status.Acknowledgements
	last := len(h.Counts) - 1
	if h.Count != 2 || h.Counts[0] != 0 || h.Counts[last] != 1 || h.Bounds[last] != 3 || h.Sum != 3600.002 {
		t.Errorf("the histogram is %+v", h)
	}
}
