package main_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// stateFiles are all files that there are while a server delivers webhooks from a bus that was started on demand.
var stateFiles = []string{
	"bus.lock", "bus.log", "bus.pid", "bus.sock", "journal.db", "journal.db-shm", "journal.db-wal", "scopes.json",
	"webhooks.json", "webhooks.lock",
}

// TestAnotherUserGetsAtNothing opens one fence after the other, and each time the next one must hold.
func TestAnotherUserGetsAtNothing(t *testing.T) {
	if task, is := testutil.Intruding(); is {
		fence, rest, _ := strings.Cut(task, " ")
		home, pid, _ := strings.Cut(rest, " ")
		tryEverything(t, fence, statedir.Home(home), pid)
		return
	}
	w := newHookWorld(t)
	w.platform.Answer("POST", "/open-apis/board/v1/whiteboards/{id}/subscribe", 200, map[string]any{"code": 0})
	w.platform.Answer("POST", "/open-apis/board/v1/whiteboards/{id}/unsubscribe", 200, map[string]any{"code": 0})
	_, web := w.serve()
	web.subscribe(w.subscription(messageKey, nil))
	a := w.agent(legacyEra)
	a.listen("board.whiteboard.updated_v1", map[string]any{"params": map[string]any{"whiteboard_id": "Ru8nwrWFOhEmaFbEU2VbPRsHcxb"}})
	a.listen(messageKey)
	w.send("mine")
	w.next()
	for _, name := range stateFiles {
		if _, err := os.Lstat(filepath.Join(w.app().Dir, name)); err != nil {
			t.Errorf("the test looks for a file that is not there: %v", err)
		}
	}
	consumers := len(w.status().Consumers)
	for _, fence := range []struct {
		name, path string
		mode       os.FileMode
	}{
		{"folder", string(w.home), 0o777}, // the app's folder is closed
		{"modes", w.app().Dir, 0o755},     // the files are
		{"socket", w.app().Socket(), 0o777},
	} {
		if err := os.Chmod(fence.path, fence.mode); err != nil {
			t.Fatal(err)
		}
		testutil.Intrude(t, fmt.Sprintf("%s %s %d", fence.name, w.home, w.status().PID))
	}
	if n := len(w.status().Consumers); n != consumers {
		t.Errorf("the bus has %d consumers, and had %d", n, consumers)
	}
	w.send("still mine")
	a.mustRead("mine", "still mine")
}

// tryEverything fails the test if something can be had of a bus whose fences before this one are open.
func tryEverything(t *testing.T, fence string, home statedir.Home, pid string) {
	app := home.App("cli_a1b2c3d4e5f6a7b8")
	if _, err := os.Stat(app.Dir); err != nil {
		t.Errorf("this test is of what happens before an open door: %v", err)
	}
	if entries, err := os.ReadDir(app.Dir); fence == "folder" && err == nil {
		t.Errorf("listed %v", entries)
	}
	for _, name := range stateFiles {
		path := filepath.Join(app.Dir, name)
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_CREATE} {
			if file, err := os.OpenFile(path, flag, 0o666); err == nil {
				t.Errorf("opened %s (%#x)", path, flag)
				file.Close()
			}
		}
		for verb, err := range map[string]error{
			"removed": os.Remove(path), "moved": os.Rename(path, path+".moved"), "made next to": os.WriteFile(path+".planted", nil, 0o666),
			"opened to all": os.Chmod(path, 0o777),
		} {
			if err == nil {
				t.Errorf("%s %s", verb, path)
			}
		}
	}
	for _, of := range []string{"environ", "mem", "fd/0"} {
		if file, err := os.Open("/proc/" + pid + "/" + of); err == nil {
			t.Errorf("opened the bus's %s", of)
			file.Close()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := net.Dial("unix", app.Socket())
	if connected := err == nil; connected != (fence == "socket") {
		t.Errorf("connect: %v", err)
	}
	if err == nil {
		conn.Close()
	}
	if status, err := busctl.Status(ctx, app); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("asked the bus for its status: %+v, %v", status, err)
	}
	if err := busctl.Stop(ctx, app); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("told the bus to stop: %v", err)
	}
}

// TestAnImpostorIsNoBus is of a state directory that somebody else has made, with a bus in it.
func TestAnImpostorIsNoBus(t *testing.T) {
	if home, is := testutil.Intruding(); is {
		syscall.Umask(0)
		app := statedir.Home(home).App("cli_a1b2c3d4e5f6a7b8")
		if err := os.MkdirAll(app.Dir, 0o777); err != nil {
			t.Fatal(err)
		}
		lock, err := busdiscover.Acquire(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
		listener, err := net.Listen("unix", app.Socket())
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		testutil.Lurk()
		return
	}
	real := newWorld(t)
	home := filepath.Join(testutil.SharedPlace(t), "home")
	testutil.LetIntrude(t, home)
	w := real.with(t, map[string]string{statedir.EnvHome: home})
	a := w.agent(legacyEra)
	if e := a.refused("subscribe_event", map[string]any{"key": messageKey}); e.Code != "bus_unavailable" ||
		!strings.Contains(e.Message, fmt.Sprint(testutil.IntruderID)) || !strings.Contains(e.Hint, statedir.EnvHome) {
		t.Errorf("refused with %+v", e)
	}
	tokens := writeFile(t, "tokens", "ada "+strings.Repeat("0", 64)+"\n")
	for _, args := range [][]string{
		{"bus"}, {"consume", messageKey}, {"serve", "--http", "127.0.0.1:0", "--auth-tokens", tokens},
	} {
		p, code := w.run(args...)
		if code == 0 || !strings.Contains(p.stderr.String(), fmt.Sprint("user ", testutil.IntruderID)) {
			t.Errorf("%v: code %d, %s", args, code, p.stderr)
		}
	}
	for _, args := range [][]string{{"status"}, {"stop"}, {"stop", "--all"}} {
		if p, code := w.run(args...); code != 0 || !strings.Contains(p.stdout.String(), "No bus is running") {
			t.Errorf("%v: code %d, %s%s", args, code, p.stdout, p.stderr)
		}
	}
	mine := 0
	err := filepath.WalkDir(home, func(path string, entry fs.DirEntry, err error) error {
		if info, statErr := os.Lstat(path); statErr == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
			mine++
			t.Errorf("%s was made in somebody else's place", path)
		}
		return err
	})
	if err != nil || w.platform.Counts().Bootstraps != 0 {
		t.Errorf("%v; %d connections", err, w.platform.Counts().Bootstraps)
	}
}

func TestAFileThatIsNoneOfOursIsToldOf(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"bus.log":    func(path string) error { return os.Symlink("/dev/null", path) },
		"journal.db": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"bus.lock":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"webhooks.json": func(path string) error {
			return errors.Join(os.WriteFile(path+"-elsewhere", nil, 0o600), os.Link(path+"-elsewhere", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.app().Create(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(w.app().Dir, name)
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			a := w.agent(legacyEra)
			if e := a.refused("subscribe_event", map[string]any{"key": messageKey}); e.Code != "bus_unavailable" ||
				!strings.Contains(e.Message, path) || !strings.Contains(e.Hint, "move it away") {
				t.Errorf("refused with %+v", e)
			}
			if p, code := w.run("bus"); code != 3 || !strings.Contains(p.stderr.String(), path) {
				t.Errorf("bus: code %d, %s", code, p.stderr)
			}
			if p, code := w.run("status"); code != 0 || !strings.Contains(p.stdout.String(), "No bus") {
				t.Errorf("status: code %d, %s%s", code, p.stdout, p.stderr)
			}
		})
	}
}
