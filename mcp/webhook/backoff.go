package webhook

import (
	"math/rand/v2"
	"time"
)

const (
	// An event is tried maxTries times. The waits between grow threefold from firstWait to longestWait: 1 s, 3 s, 9 s, …,
	// which makes some eleven hours. Tries before their time do not count, so that there is an end of time as well.
	maxTries    = 12
	giveUpTime  = 12 * time.Hour
	firstWait   = time.Second
	longestWait = 4 * time.Hour
	// longestReadWait bounds the wait after a feed that could not be opened or read.
	longestReadWait = time.Minute
)

// backoff returns how long to wait after so many failures, at most limit: within a quarter of the nominal time, so that
// what failed together does not come back together.
func backoff(failures int, limit time.Duration) time.Duration {
	wait := firstWait
	for ; failures > 1 && wait < limit; failures-- {
		wait *= 3
	}
	wait = min(wait, limit)
	return wait*3/4 + rand.N(wait/2)
}
