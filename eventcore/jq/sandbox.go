package jq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"time"
)

const (
	// MaxMemory bounds, in bytes, what an expression in a sandbox makes.
	MaxMemory = 128 << 20
	// killAfter is when a worker is killed that neither answers nor sees for itself that the time is over: it is in one
	// long step. It is longer than Timeout, because the machine may be busy with other things.
	killAfter = time.Second
	// readyAfter is how long a worker may take to start.
	readyAfter = 20 * time.Second
	// maxWorkers is how many expressions of a sandbox run at once.
	maxWorkers = 2
)

var (
	// ErrMemory is returned by a run that would have needed more than [MaxMemory].
	ErrMemory = fmt.Errorf("it needs more than %d MiB of memory", MaxMemory>>20)
	// ErrStart is in the error of a run for which no process could be started, which says nothing of the expression.
	ErrStart = errors.New("the process that runs it could not be started")
)

// Sandbox runs expressions in processes of their own, which are ended if an expression takes too long or too much.
// gojq leaves no other way: one step of an expression, such as a join or a gsub, cannot be interrupted, and may take
// minutes or gigabytes.
//
// A process starts when an expression first needs it; those that only look at an event need none, unless it is
// large. Its methods may be called from many goroutines at once.
type Sandbox struct {
	*pool
	// turn holds a token while an expression of the owner runs or waits for a worker.
	turn chan struct{}
}

// pool is what the owners of a sandbox share. Whoever waits for a worker is served in the order of arrival, and each
// owner waits for one at a time: they take turns.
type pool struct {
	command func() (*exec.Cmd, error)
	workers chan *worker // nil for one that is not started
}

// NewSandbox returns a sandbox, which must be closed. command makes the command of a process that calls [Serve] with
// its stdin and stdout.
func NewSandbox(command func() (*exec.Cmd, error)) *Sandbox {
	p := &pool{command: command, workers: make(chan *worker, maxWorkers)}
	for range maxWorkers {
		p.workers <- nil
	}
	return newOwner(p)
}

func newOwner(p *pool) *Sandbox { return &Sandbox{p, make(chan struct{}, 1)} }

// ForOwner returns the sandbox as another owner of expressions has it: one expression of each owner runs at a time, and
// the owners take turns, so that however many slow ones one of them has, another waits for one of them at most. The
// processes are shared, and end with the sandbox that it is called on. It is nil for the nil sandbox.
func (s *Sandbox) ForOwner() *Sandbox {
	if s == nil {
		return nil
	}
	return newOwner(s.pool)
}

// Compile compiles an expression to be run in the sandbox, on events for which it needs one; its errors are those of the
// function Compile. The nil sandbox runs it in this process.
func (s *Sandbox) Compile(text string) (*Program, error) {
	query, err := parse(text)
	if err != nil {
		return nil, err
	}
	p, err := compile(text, query)
	if err != nil {
		return nil, err
	}
	p.sandbox, p.plain = s, isPlain(text, query)
	return p, nil
}

// Close ends the processes, once no expression runs. Nothing can be run afterwards, by any owner.
func (s *Sandbox) Close() {
	for range maxWorkers {
		if w := <-s.workers; w != nil {
			w.end()
		}
	}
	close(s.workers)
}

// errEnded is wrapped by the errors of a worker that ended by itself, or by somebody else.
var errEnded = errors.New("the process for it has ended")

// request is what a worker is asked, a line of JSON; answer is what it answers.
type request struct {
	Expression string          `json:"expression"`
	Data       json.RawMessage `json:"data"`
	Truth      bool            `json:"truth,omitempty"` // whether only the truth of the first output is wanted
}

type answer struct {
	Outputs []Output `json:"outputs,omitempty"`
	True    bool     `json:"true,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// err returns the error that an answer tells of, if any.
func (a answer) err() error {
	switch a.Error {
	case "":
		return nil
	case ErrTimeout.Error():
		return ErrTimeout
	case ErrOutput.Error():
		return ErrOutput
	}
	return errors.New(a.Error)
}

// run has a worker answer. It waits for its turn.
func (s *Sandbox) run(ctx context.Context, req request) (answer, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	var w *worker
	var open bool
	select {
	case w, open = <-s.workers:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	if !open {
		return answer{}, errors.New("the program is ending")
	}
	defer func() { s.workers <- w }()
	for kept := w != nil; ; kept = false {
		if w == nil {
			var err error
			if w, err = s.start(ctx); err != nil {
				return answer{}, err
			}
		}
		got, err := w.ask(ctx, req)
		if err == nil {
			return got, got.err()
		}
		w = nil
		if !kept || !errors.Is(err, errEnded) { // a kept one may have been ended by somebody else, long ago
			return answer{}, err
		}
	}
}

// worker is a process that runs one expression at a time.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// start starts a worker and waits until it is ready. Its errors are ErrStart, with the reason, and ctx's.
func (p *pool) start(ctx context.Context) (*worker, error) {
	w, err := p.launch()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	switch _, err := w.exchange(ctx, nil, readyAfter); {
	case err == nil:
		return w, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, ErrTimeout):
		return nil, fmt.Errorf("%w: it was not ready within %s", ErrStart, readyAfter)
	}
	return nil, fmt.Errorf("%w: it ended with %s", ErrStart, w.cmd.ProcessState)
}

func (p *pool) launch() (*worker, error) {
	cmd, err := p.command()
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &worker{cmd: cmd, in: in, out: json.NewDecoder(out)}, nil
}

// ask sends a request and waits for the answer. After an error the worker is no more.
func (w *worker) ask(ctx context.Context, req request) (answer, error) {
	line, err := json.Marshal(req)
	if err != nil {
		w.end()
		return answer{}, err
	}
	return w.exchange(ctx, append(line, '\n'), killAfter)
}

// exchange sends a line and reads an answer, and kills a worker that does not take the one and give the other in time.
func (w *worker) exchange(ctx context.Context, line []byte, limit time.Duration) (answer, error) {
	boxed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	inTime := context.AfterFunc(boxed, func() { w.cmd.Process.Kill() })
	_, _ = w.in.Write(line) // one that has ended does not answer either
	var got answer
	err := w.out.Decode(&got)
	if inTime() && err == nil {
		return got, nil
	}
	w.end()
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case boxed.Err() != nil:
		return answer{}, ErrTimeout
	case slices.Contains([]int{exitMemory, exitFatal}, w.cmd.ProcessState.ExitCode()):
		return answer{}, ErrMemory
	}
	return answer{}, fmt.Errorf("%w: %s", errEnded, w.cmd.ProcessState)
}

// end ends the process, whatever it does, and waits for that.
func (w *worker) end() {
	w.in.Close()
	w.cmd.Process.Kill() // the error is that it has ended
	_ = w.cmd.Wait()     // that it was killed is no news
}
