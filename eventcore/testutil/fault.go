package testutil

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// faultSeed is the variable that repeats the random choices of a fault test; each test logs its own.
const faultSeed = "LARK_FAULT_SEED"

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

// FaultRandom returns the source of a fault test's choices, whose seed it logs. It is for one goroutine.
func FaultRandom(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(faultSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", faultSeed, err)
		}
	}
	t.Logf("%s=%d", faultSeed, seed)
	return rand.New(rand.NewPCG(seed, 0))
}
