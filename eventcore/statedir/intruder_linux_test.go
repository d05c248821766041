package statedir_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// preparations are what another user may have made before a state directory is first used, in a place that is open to
// all, as /tmp is. Each names what must be complained of.
var preparations = map[string]struct {
	make func(place string) error
	says string
}{
	"the state directory":            {func(place string) error { return os.Mkdir(place+"/home", 0o755) }, "/home"},
	"the state directory, for all":   {func(place string) error { return mkdirs(0o777, place+"/home") }, "/home"},
	"the app's folder":               {func(place string) error { return mkdirs(0o755, place+"/home", place+"/home/cli_a") }, "/home"},
	"a folder above":                 {func(place string) error { return mkdirs(0o777, place+"/home") }, "/home"},
	"a link to somebody's directory": {func(place string) error { return os.Symlink(place+"/victims", place+"/home") }, "/home"},
	"a file":                         {func(place string) error { return os.WriteFile(place+"/home", nil, 0o666) }, "/home"},
}

func mkdirs(mode os.FileMode, dirs ...string) error {
	syscall.Umask(0)
	for _, dir := range dirs {
		if err := os.Mkdir(dir, mode); err != nil {
			return err
		}
	}
	return nil
}

func TestWhatAnotherUserHasPreparedIsRefused(t *testing.T) {
	if task, is := testutil.Intruding(); is {
		name, place, _ := strings.Cut(task, ": ")
		if err := preparations[name].make(place); err != nil {
			t.Error(err)
		}
		return
	}
	for name, prepared := range preparations {
		t.Run(name, func(t *testing.T) {
			place := testutil.SharedPlace(t)
			if err := os.Mkdir(filepath.Join(place, "victims"), 0o700); err != nil {
				t.Fatal(err)
			}
			testutil.Intrude(t, name+": "+place)
			home := filepath.Join(place, "home")
			if name == "a folder above" {
				home = filepath.Join(home, "mine", "events")
			}
			mustRefuse(t, statedir.Home(home).App("cli_a"), prepared.says)
			for _, dir := range []string{filepath.Join(place, "victims"), filepath.Join(home, "cli_a")} {
				if entries, err := os.ReadDir(dir); err == nil && len(entries) != 0 {
					t.Errorf("something was made in %s: %v", dir, entries)
				}
			}
		})
	}
}

// A state directory may be open by mistake, and be closed too late.
func TestWhatAnotherUserHasPutIntoAnOpenFolderIsRefused(t *testing.T) {
	plants := map[string]func(path string) error{
		"file":   func(path string) error { return os.WriteFile(path, []byte("planted"), 0o666) },
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"link":   func(path string) error { return os.Symlink("/etc/passwd", path) },
		"socket": func(path string) error { return bindAndLeave(path) },
	}
	names := []string{"bus.sock", "bus.lock", "bus.pid", "bus.log", "journal.db", "journal.db-wal", "scopes.json", "webhooks.json"}
	if task, is := testutil.Intruding(); is {
		what, place, _ := strings.Cut(task, ": ")
		for _, name := range names {
			if err := plants[what](filepath.Join(place, name, name)); err != nil {
				t.Error(err)
			}
		}
		return
	}
	for what := range plants {
		t.Run(what, func(t *testing.T) {
			home := statedir.Home(testutil.SharedPlace(t))
			for _, name := range names {
				app := home.App(name)
				if err := app.Create(); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(app.Dir, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			testutil.Intrude(t, what+": "+string(home))
			for _, name := range names {
				app := home.App(name)
				mustRefuse(t, app, filepath.Join(app.Dir, name))
				if info, err := os.Stat(app.Dir); err != nil || info.Mode().Perm() != 0o700 {
					t.Errorf("the folder of %s is left with mode %v, %v", name, info.Mode(), err)
				}
			}
		})
	}
}

func TestADirectoryThatAnotherGroupCanChangeIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory to another group")
	}
	for group, refused := range map[int]bool{testutil.IntruderID: true, 0: false} { // 0 is root's own
		home := t.TempDir()
		if err := errors.Join(os.Chown(home, 0, group), os.Chmod(home, 0o775)); err != nil {
			t.Fatal(err)
		}
		app := statedir.Home(home).App("cli_a")
		if refused {
			mustRefuse(t, app, "chmod g-w")
		} else if err := app.Create(); err != nil {
			t.Errorf("with the user's own group: %v", err)
		}
	}
}

// bindAndLeave leaves a socket that nobody listens to.
func bindAndLeave(path string) error {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	return listener.Close()
}

func mustRefuse(t *testing.T, app statedir.App, says string) {
	t.Helper()
	err := app.Create()
	var known *eventcore.Error
	if !errors.As(err, &known) || known.Code != eventcore.CodeBusUnavailable || known.Hint == "" || !strings.Contains(known.Message, says) {
		t.Errorf("got %v, want bus_unavailable with %q and a hint", err, says)
	}
}
