package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuClock reads the CPU-time clock of a process, which is exact to some microseconds. The id of that clock is what
// clock_getcpuclockid(3) makes of the process's: its complement, with what is counted (2: the time on a CPU) in the lowest bits.
func cpuClock(pid int) (time.Duration, error) {
	var used unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|2), &used)
	return time.Duration(used.Nano()), err
}
