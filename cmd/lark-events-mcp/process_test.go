//go:build unix

package main_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// process is a started program, whose output is collected. It ends with the test at the latest.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *lines
	stderr *lines
	ended  chan struct{} // closed when the process, and whoever has its output, has ended
}

// startProcess starts a program with exactly this environment.
func startProcess(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), stdout: newLines(), stderr: newLines(), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, p.stdout, p.stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.cmd.Wait() // how it ended is in ProcessState
		p.stdout.close()
		p.stderr.close()
	}()
	t.Cleanup(p.end)
	return p
}

// end makes the process end, gently first.
func (p *process) end() {
	p.stdin.Close()
	p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(soon):
		p.t.Errorf("%v does not end", p.cmd.Args)
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// signal sends a signal.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
}

// wait returns the exit code once the process has ended; -1 if a signal ended it.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(soon):
		p.t.Fatalf("%v has not ended within %s; stderr:\n%s", p.cmd.Args, soon, p.stderr)
		return 0
	}
}

// running reports whether a process runs; one that has ended but was not waited for does not.
func running(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	return !zombie(pid)
}
