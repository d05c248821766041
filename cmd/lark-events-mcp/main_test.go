//go:build unix

// The tests of this package drive the built binary as its clients do: an agent over stdin and stdout, a person or a
// script over the command line. The platform is simulated in the test's process, and reached over real sockets.
package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// soon is the limit for what happens within moments on an idle machine: reached only when something hangs.
const soon = 60 * time.Second

// lookEvery is the pause between two looks at what cannot tell of its change, such as another process.
const lookEvery = 10 * time.Millisecond

// binary is the program under test; empty under -short.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	remove := func() {}
	if !testing.Short() {
		var err error
		if remove, err = buildBinary(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if left := leftProcesses(); len(left) > 0 && code == 0 {
			fmt.Fprintf(os.Stderr, "processes of the tests still run: %v\n", left)
			code = 1
		}
		remove()
		os.Exit(code)
	}))
}

// buildBinary builds the program into a directory of its own, which remove deletes.
func buildBinary() (remove func(), err error) {
	dir, err := os.MkdirTemp("", "lark-e2e-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lark-events-mcp")
	args := append([]string{"build", "-o", path}, raceFlags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	binary = path
	return func() { os.RemoveAll(dir) }, nil
}

// needsBinary skips a test under -short, and lets the others run beside each other.
func needsBinary(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("drives the built binary: not under -short")
	}
	t.Parallel()
}

// within returns a context that ends after soon, or with the test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	return ctx
}

// eventually looks until done is true; what says what is awaited.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for limit := time.After(soon); !done(); {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("not within %s: %s", soon, what)
		}
	}
}

// leftProcesses waits until no process runs the binary, and returns and kills those that do not end. It knows only
// systems with a /proc.
func leftProcesses() []int {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	limit := time.After(10 * time.Second)
	for {
		left := processesOf(binary)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-limit:
			for _, pid := range left {
				if p, err := os.FindProcess(pid); err == nil {
					p.Kill()
				}
			}
			return left
		}
	}
}

// processesOf returns the processes that run a program.
func processesOf(program string) []int {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil || program == "" {
		return nil
	}
	var found []int
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || strings.TrimSuffix(target, " (deleted)") != program {
			continue // another program, or a process that has just ended
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}
