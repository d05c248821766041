package main_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// gauge is what a process holds at one moment, as the system tells.
type gauge struct {
	rss float64 // MB
	fds float64
}

func gaugeOf(t *testing.T, pid int) gauge {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // proc_pid_statm(5): pages, the second number
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(string(bytes.Fields(statm)[1]))
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return gauge{rss: float64(pages) * float64(os.Getpagesize()) / (1 << 20), fds: float64(len(fds))}
}

// liveHeap finds, in what GODEBUG=gctrace=1 prints, the megabytes that a collection left.
var liveHeap = regexp.MustCompile(`(?m)^gc \d+ @.* \d+->\d+->(\d+) MB,`)

// heapOf returns what the latest collection left, in MB, of a process that printed text; ok is false before the first.
func heapOf(t *testing.T, text string) (mb float64, ok bool) {
	t.Helper()
	all := liveHeap.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return 0, false
	}
	mb, err := strconv.ParseFloat(all[len(all)-1][1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return mb, true
}
