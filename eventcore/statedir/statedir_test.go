package statedir

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestCreateMakesAPrivateFolder(t *testing.T) {
	app := Home(filepath.Join(t.TempDir(), "state")).App("cli_a")
	for range 2 { // once new, once there
		if err := app.Create(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(app.Dir)
		if err != nil || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o700) {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if err := os.Chmod(app.Dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(app.Dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("the folder is not empty: %v, %v", entries, err)
	}
}

func TestCreateRefusesWhatIsNoFolderOfOurs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "cli_link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	nowhere := filepath.Join(dir, "nowhere")
	if err := os.Symlink(filepath.Join(dir, "gone"), nowhere); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		app  App
		says string
	}{
		{"a file as state directory", Home(file).App("cli_a"), "not a directory"},
		{"a file as folder", Home(dir).App("file"), "not a directory"},
		{"a symbolic link", Home(dir).App("cli_link"), "it is a symbolic link"},
		{"a link to nowhere as state directory", Home(nowhere).App("cli_a"), nowhere + " is a symbolic link to " + filepath.Join(dir, "gone")},
	} {
		err := c.app.Create()
		if !eventcore.IsCode(err, eventcore.CodeBusUnavailable) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want bus_unavailable and %q", c.name, err, c.says)
		}
	}
}

func TestAnAppIDCannotLeaveTheStateDirectory(t *testing.T) {
	home := Home(t.TempDir())
	for _, id := range []string{"../x", "..", "a/../../b", `..\x`, ""} {
		if dir := home.App(id).Dir; filepath.Dir(dir) != string(home) {
			t.Errorf("%q leads to %s", id, dir)
		}
	}
}

func TestDefaultHonoursTheVariable(t *testing.T) {
	t.Setenv(EnvHome, "relative")
	home, err := Default()
	if err != nil || !filepath.IsAbs(string(home)) || filepath.Base(string(home)) != "relative" {
		t.Errorf("got %s, %v", home, err)
	}
	t.Setenv(EnvHome, "")
	if home, err = Default(); err != nil || filepath.Base(string(home)) != "lark-events" {
		t.Errorf("got %s, %v", home, err)
	}
}
