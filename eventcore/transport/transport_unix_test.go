//go:build unix

package transport

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// socketPath is a path short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lark-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "bus.sock")
}

func TestTheSocketIsPrivateAndReplacesAStaleOne(t *testing.T) {
	path := socketPath(t)
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNoBus) {
		t.Errorf("a stale socket: %v, want ErrNoBus", err)
	}
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	conn, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestNobodyThere(t *testing.T) {
	if _, err := Dial(t.Context(), socketPath(t)); !errors.Is(err, ErrNoBus) {
		t.Errorf("got %v, want ErrNoBus", err)
	}
}

func TestASocketThatCannotBeMadeIsExplained(t *testing.T) {
	occupied := socketPath(t)
	if err := os.MkdirAll(filepath.Join(occupied, "something"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"something is in its place": occupied,
		"no directory":              filepath.Join(socketPath(t), "gone", "bus.sock"),
	} {
		_, err := Listen(path)
		var e *eventcore.Error
		if !errors.As(err, &e) || e.Code != eventcore.CodeBusUnavailable || e.Hint == "" || !strings.Contains(e.Message, path) {
			t.Errorf("%s: got %v, want bus_unavailable with the path and a hint", name, err)
		}
	}
}

func TestAPathTheSystemCannotUseIsExplained(t *testing.T) {
	path := "/tmp/" + strings.Repeat("x", 200)
	_, dialErr := Dial(t.Context(), path)
	_, listenErr := Listen(path)
	for _, err := range []error{dialErr, listenErr} {
		var e *eventcore.Error
		if !errors.As(err, &e) || e.Code != eventcore.CodeBusUnavailable || !strings.Contains(e.Hint, "LARK_EVENTS_HOME") {
			t.Errorf("got %v", err)
		}
	}
}

func TestALoopOfLinksInPlaceOfTheDirectoryIsExplained(t *testing.T) {
	path := socketPath(t)
	dir := filepath.Join(filepath.Dir(path), "loop")
	if err := os.Symlink(dir, dir); err != nil {
		t.Fatal(err)
	}
	_, err := Dial(t.Context(), filepath.Join(dir, "bus.sock"))
	var e *eventcore.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "LARK_EVENTS_HOME") {
		t.Errorf("got %v, want the hint to set another directory", err)
	}
}

func TestASocketThatWasReplacedIsNoticedAndLeftAlone(t *testing.T) {
	path := socketPath(t)
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if !first.Reachable() {
		t.Error("a fresh socket is not reachable")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if first.Reachable() {
		t.Error("a removed socket is reachable")
	}
	second, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if first.Reachable() {
		t.Error("a replaced socket is reachable")
	}
	first.Close()
	conn, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatalf("the socket that took its place: %v", err)
	}
	conn.Close()
}
