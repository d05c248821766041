package busdiscover

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

func newApp(t *testing.T, home statedir.Home, id string) statedir.App {
	t.Helper()
	app := home.App(id)
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	return app
}

func TestOneBusAnApp(t *testing.T) {
	app := newApp(t, statedir.Home(t.TempDir()), "cli_a")
	lock, err := Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(t.Context(), app); !errors.Is(err, ErrHeld) {
		t.Errorf("a second bus got %v, want ErrHeld", err)
	}
	if bus, ok := Running(app); !ok || bus.PID != os.Getpid() {
		t.Errorf("running: %+v, %t", bus, ok)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if bus, ok := Running(app); ok {
		t.Errorf("after release: %+v", bus)
	}
}

func TestAStalePIDFileIsNoBus(t *testing.T) {
	home := statedir.Home(t.TempDir())
	app := newApp(t, home, "cli_a")
	lock, err := Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	// The process id is alive, but it holds no lock.
	if err := os.WriteFile(app.PID(), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if buses, err := List(home); err != nil || len(buses) != 0 {
		t.Errorf("got %v, %v; want none", buses, err)
	}
}

func TestThePIDFileIsNotWrittenThroughALink(t *testing.T) {
	app := newApp(t, statedir.Home(t.TempDir()), "cli_a")
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, app.PID()); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	lock, err := Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("the link's target holds %q (%v)", text, err)
	}
	if bus, ok := Running(app); !ok || bus.PID != os.Getpid() {
		t.Errorf("running: %+v, %t", bus, ok)
	}
}

func TestListFindsTheLiveOnes(t *testing.T) {
	home := statedir.Home(t.TempDir())
	newApp(t, home, "cli_dead")
	live := newApp(t, home, "cli_live")
	lock, err := Acquire(t.Context(), live)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	buses, err := List(home)
	if err != nil || len(buses) != 1 || buses[0].App != live {
		t.Errorf("got %v, %v", buses, err)
	}
	if buses, err := List(statedir.Home(t.TempDir() + "/missing")); err != nil || len(buses) != 0 {
		t.Errorf("without a state directory: %v, %v", buses, err)
	}
}

func TestLooksDoNotKeepABusFromStarting(t *testing.T) {
	app := newApp(t, statedir.Home(t.TempDir()), "cli_a")
	first, err := Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				Running(app)
			}
		}
	})
	lock, err := Acquire(t.Context(), app)
	close(stop)
	looks.Wait()
	if err != nil {
		t.Fatal(err)
	}
	lock.Release()
}

func TestALockThatWasTakenAwayIsNoticedAndLeavesTheNextOneAlone(t *testing.T) {
	app := newApp(t, statedir.Home(t.TempDir()), "cli_a")
	first, err := Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Check(); err != nil {
		t.Errorf("a lock that is held: %v", err)
	}
	if err := os.RemoveAll(app.Dir); err != nil {
		t.Skip("an open file cannot be removed here:", err)
	}
	if err := first.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("without its file: %v, want ErrLost", err)
	}
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Release()
	if err := first.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("beside another lock: %v, want ErrLost", err)
	}
	if err := first.Release(); err != nil {
		t.Error(err)
	}
	if bus, ok := Running(app); !ok || bus.PID != os.Getpid() {
		t.Errorf("the other bus is gone: %+v, %t", bus, ok)
	}
}
