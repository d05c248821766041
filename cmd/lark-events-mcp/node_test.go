//go:build unix

package main_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// npmNode is what npx gets where the machine's own Node is older, which the programs do not run on.
const npmNode = "node@22.23.3"

// node runs JavaScript in a directory where the packages of testdata/node are installed.
type node struct {
	dir, program string
}

// needsNode skips a test that runs what npm has, unless it is asked for and can be run.
func needsNode(t *testing.T) {
	t.Helper()
	needsBinary(t)
	if os.Getenv("LARK_EVENTS_TEST_NODE") == "" {
		t.Skip("runs JavaScript, which npm may download: set LARK_EVENTS_TEST_NODE=1")
	}
	if _, err := exec.LookPath("npx"); err != nil {
		t.Skip("no npx here:", err)
	}
}

// installNode installs what testdata/node/package-lock.json pins, for the time of the test.
func installNode(t *testing.T) *node {
	t.Helper()
	needsNode(t)
	n := &node{dir: t.TempDir(), program: "node"}
	if err := os.CopyFS(n.dir, os.DirFS("testdata/node")); err != nil {
		t.Fatal(err)
	}
	if out, err := n.start(t, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if out, err := n.run(t, "-p", "parseInt(process.versions.node) >= 22"); err != nil || strings.TrimSpace(out) != "true" {
		path, err := n.start(t, "npx", "--yes", "--loglevel", "error", "--package", npmNode, "--", "node", "-p", "process.execPath")
		if err != nil {
			t.Fatalf("npx %s: %v\n%s", npmNode, err, path)
		}
		n.program = strings.TrimSpace(path)
	}
	return n
}

// run runs Node, and returns what it prints.
func (n *node) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return n.start(t, n.program, args...)
}

func (n *node) start(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = n.dir
	cmd.WaitDelay = 10 * time.Second // npx, when killed, leaves a program that holds the output
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return string(out) + said.String(), err
	}
	return string(out), nil
}
