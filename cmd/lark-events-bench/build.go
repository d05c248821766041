package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// module is what the bench measures; it must be run in its source.
const module = "github.com/larkevents/lark-events-mcp"

// buildAll builds what is measured and what it is measured against. With a cold build cache that takes minutes, because
// the SDK is large; the time does not count.
func (b *bench) buildAll(ctx context.Context) error {
	began := time.Now()
	fmt.Fprintln(os.Stderr, "building (minutes, if the SDK was never compiled here)")
	if b.binary == "" {
		b.binary = b.program("lark-events-mcp")
		if err := b.build(ctx, b.root, "./cmd/lark-events-mcp"); err != nil {
			return err
		}
	}
	if err := b.build(ctx, filepath.Join(b.root, "cmd", "lark-events-bench", "baseline"), "./..."); err != nil {
		b.unbuilt = err
	}
	fmt.Fprintf(os.Stderr, "built in %s\n", time.Since(began).Round(time.Second))
	return nil
}

// build builds packages of the module in dir.
func (b *bench) build(ctx context.Context, dir, packages string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", b.dir+string(filepath.Separator), packages)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s in %s: %w\n%s", packages, dir, err, out)
	}
	return nil
}

// program is the path of what was built.
func (b *bench) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(b.dir, name)
}

// baseline returns the path of a program that is measured against.
func (b *bench) baseline(name string) (string, error) {
	if b.unbuilt != nil {
		return "", b.unbuilt
	}
	return b.program(name), nil
}

// output returns what a command prints, without the blanks around it; "" if it fails.
func output(dir, program string, args ...string) string {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// commit names the source that is measured; a + after it means that files were changed since.
func commit(root string) string {
	hash := output(root, "git", "rev-parse", "--short=12", "HEAD")
	if hash == "" {
		return "unknown"
	}
	if output(root, "git", "status", "--porcelain", "--", ".", ":!testdata/bench.json", ":!README.md") != "" {
		hash += "+"
	}
	return hash
}

// cpuName is what the processor calls itself, as far as the system tells.
func cpuName() string {
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(info) {
			if name, value, _ := bytes.Cut(line, []byte(":")); string(bytes.TrimSpace(name)) == "model name" {
				return string(bytes.TrimSpace(value))
			}
		}
	}
	if name := output("", "sysctl", "-n", "machdep.cpu.brand_string"); name != "" {
		return name
	}
	return runtime.GOARCH
}
