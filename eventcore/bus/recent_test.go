package bus

import (
	"runtime"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestRecentHoldsNoMoreThanItsBoundsOfWhatCameInOneCommit(t *testing.T) {
	for _, size := range []int{4 << 10, 100 << 10, maxTogether / 2, maxTogether - 1, 3 * maxTogether} {
		r := newRecent()
		heap := func() int {
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return int(stats.HeapAlloc)
		}
		before := heap()
		for n := range 4 {
			items := make([]recentItem, 4*maxRecentBytes/size)
			for i := range items {
				position := eventcore.Position(n*len(items) + i + 1)
				items[i] = recentItem{position: position, eventType: "a", line: make([]byte, size)}
			}
			r.add(items)
		}
		r.add([]recentItem{{position: 1 << 20, eventType: "a", line: make([]byte, maxTogether/2)}}) // breaks into what lies together
		if grown, want := heap()-before, maxRecentBytes+2*maxTogether; grown > want {
			t.Errorf("events of %d bytes: the heap grew by %d bytes, want at most %d", size, grown, want)
		}
		if r.bytes > maxRecentBytes || r.bytes < maxRecentBytes/2 {
			t.Errorf("events of %d bytes: %d bytes are kept, want most of %d", size, r.bytes, maxRecentBytes)
		}
		runtime.KeepAlive(r)
	}
}
