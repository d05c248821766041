// Package busdiscover tells which buses run on this machine: a bus holds an advisory lock for its lifetime and
// writes its process id beside it.
//
// It does not talk to a bus (package busctl does). The lock alone says whether a bus lives, because a process id
// may be stale or belong to somebody else by now. Package bus takes the lock; the command line lists.
package busdiscover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// ErrHeld is returned by [Acquire] when another bus of the app runs.
var ErrHeld = errors.New("another bus of this app is running")

// ErrLost is wrapped by the errors of [Lock.Check].
var ErrLost = errors.New("the bus's lock file was removed or replaced")

// patience is how long [Acquire] tries: a look by [Running] holds the lock for a moment.
const patience = 500 * time.Millisecond

// Lock is the right to be the bus of an app.
type Lock struct {
	file *flock.Flock
	pid  string
}

// Acquire takes the lock of an app's bus and writes the PID file. The app's folder must exist. It returns
// [ErrHeld] if another process has it.
func Acquire(ctx context.Context, app statedir.App) (*Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	file := flock.New(app.Lock(), flock.SetPermissions(0o600))
	switch locked, err := file.TryLockContext(ctx, 20*time.Millisecond); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, ErrHeld
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", app.Lock(), err)
	case !locked:
		return nil, ErrHeld
	}
	lock := &Lock{file: file, pid: app.PID()}
	if err := writePID(lock.pid); err != nil {
		return nil, errors.Join(fmt.Errorf("write the PID file: %w", err), file.Unlock())
	}
	return lock, nil
}

// Check returns an error wrapping [ErrLost] if the lock keeps nobody out any more, because another file, or none, is
// where it was taken: somebody removed the app's folder, say, and another bus may run by now.
func (l *Lock) Check() error {
	held, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("look at the held lock: %w", err)
	}
	there, err := os.Stat(l.file.Path())
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(held, there):
		return fmt.Errorf("%w: %s", ErrLost, l.file.Path())
	case err != nil:
		return fmt.Errorf("look at the lock file: %w", err)
	}
	return nil
}

// Release removes the PID file and gives the lock up. The lock file stays, because removing it would let two
// processes lock two files of the same name. A PID file beside a lock that was lost is not this bus's, and stays too.
func (l *Lock) Release() error {
	if errors.Is(l.Check(), ErrLost) {
		return l.file.Unlock()
	}
	return errors.Join(os.Remove(l.pid), l.file.Unlock())
}

// Bus is a running bus.
type Bus struct {
	App statedir.App
	// PID is its process id, 0 if it has not said yet.
	PID int
}

// Running returns the bus of an app, and whether one of this user runs: what others have put in its place is no bus.
func Running(app statedir.App) (Bus, bool) {
	if app.Check() != nil || statedir.CheckFile(app.Lock()) != nil {
		return Bus{}, false
	}
	// A shared lock, so that looks do not disturb each other.
	file := flock.New(app.Lock(), flock.SetFlag(os.O_RDONLY))
	defer file.Close()
	if free, err := file.TryRLock(); err != nil || free {
		return Bus{}, false
	}
	return Bus{App: app, PID: readPID(app.PID())}, true
}

// List returns the running buses below a state directory, in order of their folders' names.
func List(home statedir.Home) ([]Bus, error) {
	apps, err := home.Apps()
	if err != nil {
		return nil, err
	}
	var buses []Bus
	for _, app := range apps {
		if bus, ok := Running(app); ok {
			buses = append(buses, bus)
		}
	}
	return buses, nil
}

// writePID makes the PID file anew. What is at its path, a dead bus's file or a symbolic link to anything, is removed
// and never written to.
func writePID(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(strconv.AppendInt(nil, int64(os.Getpid()), 10))
	return errors.Join(err, file.Close())
}

func readPID(path string) int {
	if statedir.CheckFile(path) != nil {
		return 0 // reading it might not end, or tell the id of a process that is none of ours
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
