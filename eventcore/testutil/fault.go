package testutil

import (
	"flag"
	"testing"
)

var faultLong = flag.Bool("fault.long", false, "run the fault suite in its long form")

// LongFault reports whether the fault suite runs in its long form: the numbers that its tests promise, instead of a
// sample of them that fits into every run.
func LongFault() bool { return *faultLong }

// Faults returns how many of something a fault test makes: short usually, long in the suite's long form.
func Faults[N int | float64](t testing.TB, short, long N) N {
	t.Helper()
	n := short
	if LongFault() {
		n = long
	}
	t.Logf("%v here, %v in the long form (-fault.long)", n, long)
	return n
}
