package busdiscover_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// Whoever believes another user's lock would take a bus of that user for one of its own, and end the process that the
// other one names.
func TestAnotherUsersBusIsNone(t *testing.T) {
	if place, is := testutil.Intruding(); is {
		syscall.Umask(0)
		app := statedir.Home(place).App("cli_theirs")
		if err := os.Mkdir(app.Dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, app := range []statedir.App{app, statedir.Home(place).App("cli_mine")} {
			lock, err := busdiscover.Acquire(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Release()
		}
		testutil.Lurk()
		return
	}
	home := statedir.Home(testutil.SharedPlace(t))
	mine := home.App("cli_mine")
	if err := mine.Create(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(mine.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	testutil.LetIntrude(t, string(home))
	if buses, err := busdiscover.List(home); err != nil || len(buses) != 0 {
		t.Errorf("got %+v, %v; want none", buses, err)
	}
}

func TestALookAtALockAlwaysEnds(t *testing.T) {
	home := statedir.Home(testutil.SharedPlace(t))
	for name, plant := range map[string]func(path string) error{
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link":   func(path string) error { return os.Symlink("/dev/tty", path) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		app := home.App(name)
		if err := app.Create(); err != nil {
			t.Fatal(err)
		}
		if err := plant(app.Lock()); err != nil {
			t.Fatal(err)
		}
		if bus, found := busdiscover.Running(app); found {
			t.Errorf("a %s in place of a lock: %+v runs", name, bus)
		}
	}
}

func TestALookAtAPIDFileAlwaysEnds(t *testing.T) {
	app := statedir.Home(testutil.SharedPlace(t)).App("cli_a")
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if err := os.Remove(app.PID()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(app.PID(), 0o600); err != nil {
		t.Fatal(err)
	}
	if bus, found := busdiscover.Running(app); !found || bus.PID != 0 {
		t.Errorf("with a pipe in place of a PID file: %+v, %t", bus, found)
	}
}
