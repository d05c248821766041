package statedir

import "golang.org/x/sys/unix"

// makeNull makes a device that is like /dev/null.
func makeNull(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) }
