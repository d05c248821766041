//go:build unix

package main_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever reads consume may have stopped reading without closing the pipe: the write that waits for it is no reason
// to outlive the signal or the time.
func TestConsumeEndsAlsoWhileNobodyReadsItsOutput(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		end  func(p *process)
		code int
	}{
		"SIGTERM": {nil, func(p *process) { p.signal(syscall.SIGTERM) }, 130},
		"timeout": {[]string{"--timeout", "15s"}, func(*process) {}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, stdout := w.startUnread(append([]string{"consume", messageKey}, test.args...)...)
			p.stderr.await(t, ready)
			w.send(strings.Repeat("more than a pipe holds ", 10_000))
			if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			test.end(p) // in the middle of the line
			if code := p.wait(); code != test.code {
				t.Errorf("it ended with code %d, want %d: %s", code, test.code, p.stderr)
			}
			if !strings.Contains(p.stderr.String(), "stdout is not read") {
				t.Errorf("stderr is %q, want it to tell of the line that is cut short", p.stderr)
			}
			w.awaitConsumers(0)
		})
	}
}

// startUnread starts the binary with a pipe for its stdout that only the test reads.
func (w *world) startUnread(args ...string) (p *process, stdout *os.File) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "stdout")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		w.t.Fatal(err)
	}
	// Open for both, so that neither end waits for the other.
	stdout, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { stdout.Close() })
	if err := stdout.SetReadDeadline(time.Now().Add(soon)); err != nil {
		w.t.Fatal(err)
	}
	return w.shell(`exec "$BIN" ` + strings.Join(args, " ") + ` >'` + path + `'`), stdout
}

// Whoever reads the beginning of a list, as head does, has what they wanted.
func TestAListThatIsNotReadToItsEndIsNoFailure(t *testing.T) {
	w := newWorld(t)
	for _, command := range []string{"list", "list --json", "schema " + messageKey, "schema --json " + messageKey, "status", "status --json"} {
		p := w.shell(`{ "$BIN" ` + command + `; echo "code $?" >&2; } | true`)
		if code := p.wait(); code != 0 || p.stderr.String() != "code 0\n" {
			t.Errorf("%s: code %d, stderr %q", command, code, p.stderr)
		}
	}
}
