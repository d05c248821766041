//go:build race

package keys

// slowdown is how much slower this build of the tests is than a usual one: the race detector takes its time.
const slowdown = 10
