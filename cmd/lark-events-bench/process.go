package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// endPatience is how long a program may take to end when it is asked to.
const endPatience = 10 * time.Second

// process is a started program. Its stdout is the caller's to read; of its stderr the end is kept.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *tail
	output *os.File // what stdout reads
	// life ends with the program, or with the context that it was started in.
	life    context.Context
	waiting sync.WaitGroup
}

// start starts a program in this environment. It is killed when ctx ends; see [process.end].
func start(ctx context.Context, env []string, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, args...), stderr: &tail{}}
	p.cmd.Env, p.cmd.Stderr = env, p.stderr
	p.cmd.WaitDelay = endPatience
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, theirs, err := os.Pipe() // exec's own is closed when the program ends, with what was not read yet
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p.cmd.Stdout = theirs
	p.stdin, p.stdout, p.output = stdin, bufio.NewReaderSize(stdout, 256<<10), stdout
	if err := p.cmd.Start(); err != nil {
		stdout.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	life, ended := context.WithCancelCause(ctx)
	p.life = life
	p.waiting.Go(func() {
		p.cmd.Wait()
		ended(fmt.Errorf("it has ended: %s", p.cmd.ProcessState))
	})
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end makes the program end, gently first, and returns when it has.
func (p *process) end() {
	p.stdin.Close()
	if p.cmd.Process.Signal(os.Interrupt) != nil { // it has ended, or the system has no such signal
		p.kill()
	}
	kill := time.AfterFunc(endPatience, p.kill)
	defer kill.Stop()
	io.Copy(io.Discard, p.stdout)
	p.waiting.Wait()
	p.output.Close()
}

func (p *process) kill() { p.cmd.Process.Kill() } // an error means that it has ended

// line returns the next line of stdout with its end.
func (p *process) line() ([]byte, error) {
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		return nil, p.failed("read from", err)
	}
	return line, nil
}

// skip reads n lines of stdout.
func (p *process) skip(n int) error {
	for n > 0 {
		_, err := p.stdout.ReadSlice('\n')
		switch err {
		case nil:
			n--
		case bufio.ErrBufferFull:
		default:
			return p.failed("read from", err)
		}
	}
	return nil
}

func (p *process) write(line []byte) error {
	if _, err := p.stdin.Write(line); err != nil {
		return p.failed("write to", err)
	}
	return nil
}

func (p *process) failed(doing string, err error) error {
	return fmt.Errorf("%s %s: %w; its stderr ends with %q", doing, strings.Join(p.cmd.Args, " "), err, p.stderr)
}

// awaitStderr waits until the text was written to stderr.
func (p *process) awaitStderr(text string) error {
	for !strings.Contains(p.stderr.String(), text) {
		select {
		case <-p.life.Done():
			return p.failed("await "+text+" of", context.Cause(p.life))
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 4096
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - keep; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
