// Package statedir knows the layout of the state directory and keeps it private: one folder per app, with the
// bus's socket, lock, PID file, journal and log.
//
// It does not read or write those files; transport, busdiscover, journal and bus do. Whoever needs a path gets
// it here.
package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// EnvHome names the variable that overrides where state is kept.
const EnvHome = "LARK_EVENTS_HOME"

// ErrUnusable is wrapped by the errors that say that the state directory, or a file of it, is not as it must be.
var ErrUnusable = errors.New("the state directory cannot be used")

// Home is the state directory; it need not exist.
type Home string

// App is the folder of one app in a [Home].
type App struct {
	// ID is the app id, as configured.
	ID string
	// Dir is the absolute path of the folder.
	Dir string
}

// Default returns the state directory: $LARK_EVENTS_HOME, or lark-events in the system's place for user state.
func Default() (Home, error) {
	if home := os.Getenv(EnvHome); home != "" {
		abs, err := filepath.Abs(home)
		if err != nil {
			return "", fmt.Errorf("resolve %s: %w", EnvHome, err)
		}
		return Home(abs), nil
	}
	base, err := userState()
	if err != nil {
		return "", &eventcore.Error{
			Code: eventcore.CodeBusUnavailable, Message: "there is no place for the state directory: " + err.Error(),
			Hint: "set " + EnvHome + " to a directory of yours", Cause: err,
		}
	}
	return Home(filepath.Join(base, "lark-events")), nil
}

// userState is the system's place for a user's state, by the XDG base directory specification and its
// counterparts on macOS and Windows.
func userState() (string, error) {
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
			return dir, nil
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		return filepath.Join(home, ".local", "state"), nil
	}
	if runtime.GOOS == "windows" {
		return os.UserCacheDir() // %LocalAppData%
	}
	return os.UserConfigDir() // ~/Library/Application Support
}

// App returns the folder of an app. Nothing is created.
func (h Home) App(appID string) App {
	return App{ID: appID, Dir: filepath.Join(string(h), eventcore.SanitizeAppID(appID))}
}

// Apps returns the folders there are, in order of name; none if the directory does not exist.
func (h Home) Apps() ([]App, error) {
	entries, err := os.ReadDir(string(h))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unusable(string(h), err)
	}
	var apps []App
	for _, e := range entries {
		if e.IsDir() {
			apps = append(apps, App{ID: e.Name(), Dir: filepath.Join(string(h), e.Name())})
		}
	}
	return apps, nil
}

// Socket is the path of the bus's Unix socket; on Windows the named pipe's name is derived from it.
func (a App) Socket() string { return filepath.Join(a.Dir, "bus.sock") }

// Lock is the path of the lock that the bus holds for its lifetime.
func (a App) Lock() string { return filepath.Join(a.Dir, "bus.lock") }

// PID is the path of the file in which the bus tells its process id.
func (a App) PID() string { return filepath.Join(a.Dir, "bus.pid") }

// Journal is the path of the journal's database.
func (a App) Journal() string { return filepath.Join(a.Dir, "journal.db") }

// Log is the path of the log of a bus that was started on demand.
func (a App) Log() string { return filepath.Join(a.Dir, "bus.log") }

// Scopes is the path of the file that remembers the platform-side subscriptions.
func (a App) Scopes() string { return filepath.Join(a.Dir, "scopes.json") }

// Create makes the folder, private to this user, and checks that it is usable and nobody else's: a directory of this
// user (no symbolic link), below directories that nobody else can change, and in it regular files and the bus's socket,
// each of this user and with one name. Modes that let others in are tightened. Errors are [*eventcore.Error] with
// [eventcore.CodeBusUnavailable].
func (a App) Create() error {
	home := filepath.Dir(a.Dir)
	err := trusted(home) // before anything is made behind somebody's link
	if err == nil {
		err = makeAll(a.Dir)
	}
	if err == nil {
		err = trusted(home) // what was not there before
	}
	if err != nil {
		return unusable(a.Dir, err)
	}
	folder, err := a.open()
	if err != nil {
		return unusable(a.Dir, err)
	}
	defer folder.Close()
	if err := a.tighten(folder); err != nil {
		return err
	}
	return writable(a.Dir)
}

// makeAll makes a directory and those that lead to it. Of a symbolic link that leads nowhere the system only says that
// there is a file.
func makeAll(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	var at *fs.PathError
	if errors.Is(err, fs.ErrExist) && errors.As(err, &at) {
		if target, none := os.Readlink(at.Path); none == nil {
			return fmt.Errorf("%s is a symbolic link to %s, which is not there", at.Path, target)
		}
	}
	return err
}

// writable returns an error unless a file can be made in a folder.
func writable(dir string) error {
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return unusable(dir, err)
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return unusable(dir, err)
	}
	return nil
}

func unusable(dir string, err error) error {
	cause := fmt.Errorf("%w: %w", ErrUnusable, err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		cause = err // which passes
	}
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the state directory %s cannot be used: %v", dir, err),
		Hint:    "make it a directory that this user has and can write to, or set " + EnvHome + " to one",
		Cause:   cause,
	}
}
