//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// onStdoutClosed calls f once nobody reads stdout any more, so that "consume | head -n 1" ends with head and not
// with the next event. If stdout is no pipe or socket, f is never called.
func onStdoutClosed(f func()) {
	go func() {
		for {
			closed, err := pollClosed(-1)
			if closed {
				f()
				return
			}
			if err != nil && err != unix.EINTR {
				return
			}
		}
	}()
}

// stdoutClosed reports whether nobody reads stdout any more.
func stdoutClosed() bool {
	closed, _ := pollClosed(0)
	return closed
}

// pollClosed waits up to timeout milliseconds (-1: for ever) until the reader of stdout has gone. A poll for no
// events reports errors only.
func pollClosed(timeout int) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(os.Stdout.Fd())}}
	n, err := unix.Poll(fds, timeout)
	return n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0, err
}
