package keys

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxCatalogue is what the whole catalogue may add to a process's heap, in bytes.
const maxCatalogue = 10 << 20

// maxCold is what a fresh process may take for the whole catalogue. It is far above the 150 ms that BenchmarkColdCatalogue
// measures, so that only a catalogue that became slow fails on a slow or busy machine.
const maxCold = slowdown * 2 * time.Second

// coldTries is how many fresh processes may try: what else runs on the machine slows one of them, not the best.
const coldTries = 3

// coldEnv makes a test process the fresh one of TestAFreshProcessDescribesTheWholeCatalogueSoon.
const coldEnv = "LARK_EVENTS_TEST_COLD_CATALOGUE"

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

func TestAFreshProcessDescribesTheWholeCatalogueSoon(t *testing.T) {
	if os.Getenv(coldEnv) != "" {
		began := time.Now()
		describeAll(t)
		os.Stdout.WriteString("\ntook " + time.Since(began).String() + "\n")
		return
	}
	var took time.Duration
	for range coldTries {
		took = coldCatalogue(t)
		t.Logf("the catalogue took %s", took)
		if took <= maxCold {
			return
		}
	}
	t.Errorf("the catalogue took %s at last, at most %s is wanted", took, maxCold)
}

// coldCatalogue is the time that a fresh process of the calling test takes for the whole catalogue.
func coldCatalogue(t *testing.T) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	fresh := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	fresh.Env = append(os.Environ(), coldEnv+"=1")
	out, err := fresh.CombinedOutput()
	if err != nil {
		t.Fatalf("the fresh process: %v\n%s", err, out)
	}
	_, after, _ := strings.Cut(string(out), "\ntook ")
	text, _, _ := strings.Cut(after, "\n")
	took, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("the fresh process did not say how long it took: %v\n%s", err, out)
	}
	return took
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
