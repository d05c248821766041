package lark

import "time"

// leastSleep is how far the wall clock must have gone on without the other one to count as a sleep, and not as a
// correction of the time.
const leastSleep = 10 * time.Second

// sleepSettings say how a machine's sleep is noticed, and what follows.
type sleepSettings struct {
	look   time.Duration // the time between two looks at the clocks
	answer time.Duration // how long the answer to the ping after a sleep may take
	// clocks tells the time of the wall, and that by which timers run: on Linux and macOS it stands still while the machine
	// sleeps.
	clocks func() (wall time.Time, running time.Duration)
}

func defaultSleepSettings() sleepSettings {
	started := time.Now()
	return sleepSettings{look: 5 * time.Second, answer: 10 * time.Second, clocks: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(started) // rounding strips the reading of the other clock
	}}
}

// sleepWatch notices that the machine has slept. Without it a connection that did not survive would be waited for as if
// no time had passed: minutes, in which the user waits for what happened meanwhile.
type sleepWatch struct {
	clocks  func() (wall time.Time, running time.Duration)
	wall    time.Time
	running time.Duration
}

func watchSleep(clocks func() (time.Time, time.Duration)) *sleepWatch {
	w := &sleepWatch{clocks: clocks}
	w.wall, w.running = clocks()
	return w
}

// slept returns how long the machine has slept since the last call; 0 if it has not.
func (w *sleepWatch) slept() time.Duration {
	wall, running := w.clocks()
	gap := wall.Sub(w.wall) - (running - w.running)
	w.wall, w.running = wall, running
	if gap < leastSleep {
		return 0
	}
	return gap
}
