package main_test

import (
	"bytes"
	"fmt"
	"os"
)

// zombie reports whether a process has ended and only its parent has not noticed; see proc_pid_stat(5).
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return os.IsNotExist(err)
	}
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(" "))
	return bytes.HasPrefix(state, []byte("Z"))
}
