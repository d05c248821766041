package keys

import (
	"runtime"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxCatalogue is what the whole catalogue may add to a process's heap, in bytes.
const maxCatalogue = 10 << 20

// describeAll does what an agent does that asks for everything: list, describe, schema.
func describeAll(tb testing.TB) {
	Register()
	for _, def := range eventcore.ListAll() {
		if _, err := eventcore.PayloadSchema(def.Key); err != nil {
			tb.Error(err)
		}
		if _, err := eventcore.ParamsSchema(def.Key); err != nil {
			tb.Error(err)
		}
	}
}

func TestTheWholeCatalogueIsSmall(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	before := heap()
	describeAll(t)
	grown := int64(heap()) - int64(before)
	t.Logf("%d keys take %d KiB", len(eventcore.ListAll()), grown>>10)
	if grown > maxCatalogue {
		t.Errorf("%d bytes, at most %d are wanted", grown, maxCatalogue)
	}
}

// BenchmarkColdCatalogue is to be run with -benchtime 1x, in a fresh process: the limit is 150 ms on 2 idle cores.
func BenchmarkColdCatalogue(b *testing.B) {
	for b.Loop() {
		eventcore.ResetRegistryForTest()
		began := time.Now()
		describeAll(b)
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "ms/catalogue")
	}
	eventcore.ResetRegistryForTest()
}
