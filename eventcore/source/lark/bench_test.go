package lark

import (
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// BenchmarkDelivery is the way of an event from the platform through the source and its acknowledgement back, with
// 256 in flight and a sink that takes everything at once.
func BenchmarkDelivery(b *testing.B) {
	platform, err := larksim.Start(larksim.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer platform.Close()
	sink := newRecorder()
	sink.take = func(event source.Event) { event.Done(nil) }
	done := make(chan error, 1)
	go func() {
		done <- New(Options{AppID: platform.AppID(), AppSecret: platform.AppSecret(), BaseURL: platform.URL()}).Run(b.Context(), sink)
	}()
	if err := platform.AwaitConnections(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	load, err := platform.SendAll(b.Context(), platform.Texts(b.N, 200), 256)
	if err != nil || load.Acknowledged != b.N {
		b.Fatalf("%d of %d acknowledged: %v", load.Acknowledged, b.N, err)
	}
	b.ReportMetric(float64(b.N)/load.Elapsed.Seconds(), "events/s")
	b.ReportMetric(float64(slowest(load.Took))/float64(time.Millisecond), "ms-slowest")
}

func slowest(took []time.Duration) time.Duration {
	var most time.Duration
	for _, d := range took {
		most = max(most, d)
	}
	return most
}
