package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// errNotHere is returned for what this system does not tell.
var errNotHere = errors.New("not measured here: there is neither /proc nor ps")

// cpuOf returns the CPU time that a process has used, for itself and in the kernel. Where the system has no clock for it,
// it is exact to 10 ms, or worse.
func cpuOf(pid int) (time.Duration, error) {
	if used, err := cpuClock(pid); err == nil {
		return used, nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		text, err := ps(pid, "time")
		if err != nil {
			return 0, err
		}
		return parseClock(text)
	}
	// After the name in parentheses, which may have blanks; proc_pid_stat(5).
	_, rest, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	fields := strings.Fields(string(rest))
	const user, system, tick = 11, 12, 10 * time.Millisecond
	if len(fields) <= system {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	u, err1 := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * tick, errors.Join(err1, err2)
}

// memoryOf returns the resident memory of a process, in MiB.
func memoryOf(pid int) (float64, error) {
	var text string
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		if text, err = ps(pid, "rss"); err != nil {
			return 0, err
		}
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB"))
		}
	}
	kib, err := strconv.ParseFloat(text, 64)
	return kib / 1024, err
}

// ps asks for one column of a process.
func ps(pid int, column string) (string, error) {
	out, err := exec.Command("ps", "-o", column+"=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", fmt.Errorf("%w (%w)", errNotHere, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// parseClock reads the time of ps: hours (may be missing), minutes, and seconds with or without a fraction.
func parseClock(text string) (time.Duration, error) {
	var total float64
	for part := range strings.SplitSeq(text, ":") {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, fmt.Errorf("a CPU time of %q: %w", text, err)
		}
		total = total*60 + n
	}
	return time.Duration(total * float64(time.Second)), nil
}
