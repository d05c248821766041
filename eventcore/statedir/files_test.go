//go:build unix

package statedir

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// ours are the names in an app's folder.
var ours = []string{
	"bus.lock", "bus.log", "bus.log.1", "bus.pid", "bus.sock", "journal.db", "journal.db-shm", "journal.db-wal",
	"scopes.json", "webhooks.json", "webhooks.lock",
}

// newFolder returns an app's folder that is there.
func newFolder(t *testing.T) App {
	t.Helper()
	dir, err := os.MkdirTemp("", "lark-") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	app := Home(dir).App("cli_a")
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	return app
}

// mustRefuse fails the test unless Create says what is wrong with path, and what to do.
func mustRefuse(t *testing.T, app App, path, says string) {
	t.Helper()
	err := app.Create()
	var known *eventcore.Error
	if !errors.As(err, &known) || known.Code != eventcore.CodeBusUnavailable || known.Hint == "" ||
		!strings.Contains(known.Message, path) || !strings.Contains(known.Message, says) {
		t.Errorf("got %v, want bus_unavailable with %q, %q and a hint", err, path, says)
	}
}

func TestWhatIsNoFileOfOursIsRefused(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for what, plant := range map[string]struct {
		make func(path string) error
		says string
	}{
		"symbolic link":   {func(path string) error { return os.Symlink(elsewhere, path) }, "a symbolic link"},
		"link to nothing": {func(path string) error { return os.Symlink("nothing", path) }, "a symbolic link"},
		"hard link":       {func(path string) error { return os.Link(elsewhere, path) }, "names"},
		"named pipe":      {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "a named pipe"},
		"socket": {func(path string) error {
			listener, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { listener.Close() })
			}
			return err
		}, "a socket"},
		"device": {func(path string) error {
			if runtime.GOOS != "linux" {
				return syscall.EPERM
			}
			return makeNull(path)
		}, "a special file"},
	} {
		t.Run(what, func(t *testing.T) {
			for _, name := range ours {
				app := newFolder(t)
				path := filepath.Join(app.Dir, name)
				if what == "socket" && path == app.Socket() {
					continue
				}
				if err := plant.make(path); err != nil {
					t.Skip("cannot be made here:", err)
				}
				mustRefuse(t, app, path, plant.says)
			}
		})
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("what the links lead to holds %q, %v", text, err)
	}
	if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("what the links lead to has mode %v, %v", info.Mode(), err)
	}
}

func TestModesThatLetOthersInAreTightened(t *testing.T) {
	app := newFolder(t)
	for _, name := range ours {
		if err := os.WriteFile(filepath.Join(app.Dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(app.Dir, name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(app.Socket()); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", app.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(app.Socket(), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(app.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(ours, ".") {
		info, err := os.Stat(filepath.Join(app.Dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestAPlaceThatOthersCanChangeIsRefused(t *testing.T) {
	base := t.TempDir()
	dir := func(name string, mode os.FileMode) string {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	open := dir("open", 0o777)
	dir("open/inner", 0o700)
	sticky := dir("sticky", 0o777|os.ModeSticky)
	tidy := dir("tidy", 0o755)
	for link, target := range map[string]string{"to-tidy": tidy, "to-open": filepath.Join(open, "inner"), "hop": "to-open", "relative": "tidy"} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	for home, says := range map[string]string{
		open: "every user can change", filepath.Join(open, "inner"): "every user can change", filepath.Join(open, "new", "deep"): open,
		filepath.Join(base, "to-open"): open, filepath.Join(base, "hop"): open,
	} {
		mustRefuse(t, Home(home).App("cli_a"), home, says)
	}
	for _, home := range []string{
		sticky, filepath.Join(sticky, "home"), tidy, filepath.Join(base, "to-tidy"), filepath.Join(base, "relative", "more"),
	} {
		if err := Home(home).App("cli_a").Create(); err != nil {
			t.Errorf("%s: %v", home, err)
		}
	}
}

func TestACircleOfLinksIsRefused(t *testing.T) {
	link := filepath.Join(t.TempDir(), "home")
	if err := os.Symlink(link, link); err != nil {
		t.Fatal(err)
	}
	if err := trusted(link); err == nil || !strings.Contains(err.Error(), link) {
		t.Errorf("got %v", err)
	}
}
