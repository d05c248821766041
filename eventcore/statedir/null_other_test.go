//go:build unix && !linux

package statedir

import "syscall"

// makeNull cannot make a device here.
func makeNull(string) error { return syscall.EPERM }
