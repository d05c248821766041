package lark

import (
	"log/slog"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// FuzzHandle: whatever arrives, nothing panics, and no frame is left without an answer or a reason.
func FuzzHandle(f *testing.F) {
	for _, seed := range [][2]string{{"event", "1"}, {"card", "2"}, {"mystery", "x"}} {
		data := dataFrame(seed[0], seed[1], "0", "m1")
		data.Payload = []byte(`{"header":{"event_id":"e","event_type":"a.b"}}`)
		f.Add(data.Marshal())
	}
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, message []byte) {
		sink := newRecorder()
		sink.take = func(event source.Event) { event.Done(nil) }
		c := &connection{
			sink: sink, log: slog.New(slog.DiscardHandler), settings: defaultSettings(), tuned: make(chan settings, 1),
			pending: newPending(), slots: make(chan struct{}, 4), answers: make(chan *delivery, 4),
		}
		for range 3 { // the same message again is no trouble either
			if err := c.handle(t.Context(), message); err != nil {
				t.Fatal(err)
			}
		}
		if len(c.slots) != len(c.answers) {
			t.Errorf("%d frames taken, %d answered", len(c.slots), len(c.answers))
		}
	})
}
