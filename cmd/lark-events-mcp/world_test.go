//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// messageKey and reactionKey are the keys that most tests listen to.
const (
	messageKey  = "im.message.receive_v1"
	reactionKey = "im.message.reaction.created_v1"
)

// world is a simulated platform, a machine's state directory, and the environment that leads programs to both. When
// the test ends, its bus is ended, and nothing that was written may hold a secret.
type world struct {
	t        *testing.T
	platform *larksim.Platform
	home     statedir.Home
	// env are the variables of the programs; change them before starting one.
	env map[string]string
	// program is what start starts: the binary, or another version of it.
	program string

	mu      sync.Mutex
	secrets []string
	started []*process
}

func newWorld(t *testing.T, options ...larksim.Options) *world {
	t.Helper()
	needsBinary(t)
	var opts larksim.Options
	if len(options) > 0 {
		opts = options[0]
	}
	platform, err := larksim.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Close)
	w := &world{
		t: t, platform: platform, home: testutil.Home(t), program: binary,
		secrets: []string{larksim.VerificationToken, platform.AppSecret(), larksim.DefaultUserToken},
	}
	w.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": t.TempDir(), "TMPDIR": string(testutil.Home(t)),
		"LARK_APP_ID": platform.AppID(), "LARK_APP_SECRET": platform.AppSecret(), "LARK_DOMAIN": platform.URL(),
		statedir.EnvHome: string(w.home),
		// Under the race detector a program waits for a second when it ends, in case there is still a race to tell of.
		"GORACE": "atexit_sleep_ms=0",
	}
	t.Cleanup(func() {
		w.endBuses()
		w.checkOutput()
		w.checkFiles()
	})
	return w
}

// with returns the same world as programs with other variables see it, for t, which may be a test within the
// world's; an empty value takes the variable out.
func (w *world) with(t *testing.T, changes map[string]string) *world {
	other := &world{t: t, platform: w.platform, home: w.home, env: maps.Clone(w.env), program: w.program, secrets: w.secrets}
	for name, value := range changes {
		other.env[name] = value
		if value == "" {
			delete(other.env, name)
		}
	}
	t.Cleanup(other.checkOutput)
	return other
}

func (w *world) environment() []string {
	var env []string
	for name, value := range w.env {
		env = append(env, name+"="+value)
	}
	return env
}

// app is the folder of the app.
func (w *world) app() statedir.App { return w.home.App(w.platform.AppID()) }

// start starts the program.
func (w *world) start(args ...string) *process {
	w.t.Helper()
	return w.startProgram(w.program, args...)
}

// shell starts a command line in which $BIN is the binary.
func (w *world) shell(line string) *process {
	w.t.Helper()
	return w.with(w.t, map[string]string{"BIN": binary}).startProgram("/bin/sh", "-c", line)
}

func (w *world) startProgram(program string, args ...string) *process {
	w.t.Helper()
	p := startProcess(w.t, w.environment(), program, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started = append(w.started, p)
	return p
}

// run runs the binary to its end, which must come by itself.
func (w *world) run(args ...string) (p *process, code int) {
	w.t.Helper()
	p = w.start(args...)
	p.stdin.Close()
	return p, p.wait()
}

// send lets somebody write a message, and returns when it was acknowledged.
func (w *world) send(text string) *larksim.Receipt {
	w.t.Helper()
	return w.sendEvent(larksim.Text(larksim.Ada, larksim.Engineering, text))
}

// sendEvent sends an event and returns when it was acknowledged.
func (w *world) sendEvent(event larksim.Event) *larksim.Receipt {
	w.t.Helper()
	receipt := w.platform.Send(event)
	w.awaitAck(receipt)
	return receipt
}

func (w *world) awaitAck(receipt *larksim.Receipt) {
	w.t.Helper()
	outcome, err := receipt.Wait(within(w.t))
	if err != nil || !outcome.Acknowledged {
		w.t.Fatalf("event %s was not acknowledged: %+v, %v", receipt.EventID, outcome, err)
	}
}

// status asks the running bus.
func (w *world) status() *protocol.Status {
	w.t.Helper()
	status, err := busctl.Status(within(w.t), w.app())
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

// awaitConsumers waits until the bus has this many consumers.
func (w *world) awaitConsumers(n int) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%d consumers on the bus", n), func() bool { return len(w.status().Consumers) == n })
}

// stopBuses ends every bus of the state directory and waits for its process.
func (w *world) stopBuses() {
	buses, err := busdiscover.List(w.home)
	if err != nil {
		return // there is no directory, so there is no bus
	}
	for _, b := range buses {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		switch err := busctl.Stop(ctx, b.App); {
		case errors.Is(err, transport.ErrNoBus):
			terminate(b.PID) // it does not listen yet
		case err != nil:
			w.t.Errorf("stop the bus of %s (process %d): %v", b.App.ID, b.PID, err)
			if p, err := os.FindProcess(b.PID); err == nil && b.PID > 1 {
				p.Kill()
			}
		}
		cancel()
		eventually(w.t, "the end of the bus", func() bool {
			now, held := busdiscover.Running(b.App)
			return (!held || now.PID != b.PID) && !running(b.PID)
		})
	}
}

// endBuses ends the buses, and those that come late: agents that start at once each start a bus, and one that finds the
// others' bus stopped already takes its place. It knows of them only on systems with a /proc.
func (w *world) endBuses() {
	w.stopBuses()
	eventually(w.t, "the end of all buses", func() bool {
		late := slices.DeleteFunc(processesOf(binary), func(pid int) bool {
			dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
			return err != nil || !strings.HasPrefix(dir, string(w.home)) || zombie(pid)
		})
		for _, pid := range late {
			terminate(pid)
		}
		return len(late) == 0
	})
}

// terminate asks a process to end.
func terminate(pid int) {
	if p, err := os.FindProcess(pid); err == nil && pid > 1 {
		p.Signal(syscall.SIGTERM)
	}
}

// checkOutput fails the test if a secret is in what was printed.
func (w *world) checkOutput() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.started {
		w.checkText(fmt.Sprintf("stdout of %v", p.cmd.Args[1:]), p.stdout.String())
		w.checkText(fmt.Sprintf("stderr of %v", p.cmd.Args[1:]), p.stderr.String())
	}
}

// checkFiles fails the test if a secret is in what was stored, or if the race detector had something to say in the
// log of a bus, whose exit code nobody sees. The buses must have ended.
func (w *world) checkFiles() {
	for name, text := range w.files() {
		w.checkText(name, text)
		if strings.Contains(text, "WARNING: DATA RACE") {
			w.t.Errorf("a data race is in %s:\n%s", name, text)
		}
	}
}

func (w *world) checkText(where, text string) {
	for _, secret := range append(w.secrets, platformSecrets...) {
		for _, leak := range leaks(text, secret) {
			w.t.Errorf("a secret is in %s: %s", where, leak)
		}
	}
}

// files returns the content of every regular file of the state directory, by path.
func (w *world) files() map[string]string {
	found := map[string]string{}
	err := filepath.WalkDir(string(w.home), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		w.t.Errorf("read the state directory: %v", err)
	}
	return found
}

// took returns how long f took.
func took(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// decode reads JSON that must fit.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return v
}
