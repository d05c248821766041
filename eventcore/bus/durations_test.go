package bus

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func TestAHistogramCountsEachDurationInAllBucketsItFits(t *testing.T) {
	var d durations
	if h := d.histogram(); h.Count != 0 || h.Sum != 0 || len(h.Bounds) != len(h.Counts) || !slices.IsSorted(h.Bounds) {
		t.Errorf("an empty histogram is %+v", h)
	}
	for _, took := range []time.Duration{0, 500 * time.Microsecond, 501 * time.Microsecond, 3 * time.Second, time.Minute} {
		d.observe(took)
	}
	h := d.histogram()
	if h.Bounds[0] != 0.0005 || h.Counts[0] != 2 || h.Bounds[1] != 0.001 || h.Counts[1] != 3 {
		t.Errorf("the first bounds are %v, %v with counts %d, %d; want 0.0005, 0.001 with 2, 3", h.Bounds[0], h.Bounds[1], h.Counts[0], h.Counts[1])
	}
	if last := len(h.Bounds) - 1; h.Bounds[last] != 3 || h.Counts[last] != 4 || h.Count != 5 {
		t.Errorf("the last bound is %v with %d of %d, want 3 with 4 of 5", h.Bounds[last], h.Counts[last], h.Count)
	}
	if want := 63.001001; h.Sum != want {
		t.Errorf("the sum is %v, want %v", h.Sum, want)
	}
}

func TestObservingCountsAllAndAllocatesNothing(t *testing.T) {
	var d durations
	if n := testing.AllocsPerRun(100, func() { d.observe(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations for one duration", n)
	}
	before := d.histogram().Count
	var observing sync.WaitGroup
	for range 4 {
		observing.Go(func() {
			for range 1000 {
				d.observe(7 * time.Millisecond)
			}
		})
	}
	observing.Wait()
	if got := d.histogram().Count - before; got != 4000 {
		t.Errorf("%d counted, want 4000", got)
	}
}
