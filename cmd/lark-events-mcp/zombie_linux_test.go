package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// zombie reports whether a process has ended and only its parent has not noticed.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return os.IsNotExist(err)
	}
	return isIn("Z", stat)
}

// standsStill reports whether all threads of a process are stopped. After the signal for it, each runs on for a moment.
func standsStill(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return err == nil && !slices.ContainsFunc(threads, func(path string) bool {
		stat, err := os.ReadFile(path)
		return err == nil && !isIn("T", stat)
	})
}

// isIn reports whether a process or thread is in a state; see proc_pid_stat(5).
func isIn(state string, stat []byte) bool {
	_, rest, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(" "))
	return bytes.HasPrefix(rest, []byte(state))
}
