package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// maxLog is the size at which a bus's log is set aside when the next bus starts; one former log is kept.
const maxLog = 4 << 20

// startTime is how long a bus may take to find that it cannot start.
const startTime = 20 * time.Second

// spawner starts buses in processes of their own that outlive this one.
type spawner struct {
	cfg *config
	app statedir.App

	mu sync.Mutex
	// failed is why the last bus could not start, until it has been told.
	failed error
}

// start starts a bus. It does not wait until the bus is ready; if the one before could not start, it says so
// instead of starting another.
func (s *spawner) start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failed; err != nil {
		s.failed = nil
		return err
	}
	if err := s.cfg.requireSecret(); err != nil {
		return err
	}
	if _, err := retention("", ""); err != nil {
		return err
	}
	if err := s.app.Create(); err != nil {
		return err
	}
	cmd, log, err := s.command()
	if err != nil {
		return fmt.Errorf("start the bus: %w", err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("start the bus: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the bus: %w", err)
	}
	go s.watch(cmd, info.Size())
	return nil
}

// command is the bus's process, with its log as output.
func (s *spawner) command() (*exec.Cmd, *os.File, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	if info, err := os.Stat(s.app.Log()); err == nil && info.Size() > maxLog {
		if err := os.Rename(s.app.Log(), s.app.Log()+".1"); err != nil {
			return nil, nil, err
		}
	}
	log, err := os.OpenFile(s.app.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(program, "bus", "--on-demand")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = s.app.Dir
	cmd.Env = append(busEnvironment(os.Environ()), statedir.EnvHome+"="+string(s.cfg.home))
	if path := os.Getenv(envSecretFile); path != "" {
		if abs, err := filepath.Abs(path); err == nil {
			cmd.Env = append(cmd.Env, envSecretFile+"="+abs)
		}
	}
	detach(cmd)
	return cmd, log, nil
}

// busEnvironment is what a bus gets of this process's environment: all but the user's token, which is the consumers'
// affair. The bus outlives them, and has no use for it.
func busEnvironment(env []string) []string {
	return slices.DeleteFunc(env, func(variable string) bool { return strings.HasPrefix(variable, envUserToken+"=") })
}

// watch reaps the bus, and remembers why if it could not start. One that was killed, or that failed after it had
// run for a while, is no reason not to start another. Its log begins at logged.
func (s *spawner) watch(cmd *exec.Cmd, logged int64) {
	began := time.Now()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || !exit.Exited() || time.Since(began) > startTime {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: "the bus ended at once: " + complaint(s.app.Log(), logged),
		Hint:    fmt.Sprintf("its log is %s; lark-events-mcp bus runs it in the foreground", s.app.Log()),
	}
}

// complaint returns the error that a bus ended with, from its log, which begins at from; without one, its last line; or
// why there is none.
func complaint(path string, from int64) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	const tail = 4096
	if info, err := file.Stat(); err == nil {
		from = max(from, info.Size()-tail)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, from, tail))
	if err != nil {
		return err.Error()
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return silence(path)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range slices.Backward(lines) {
		if said, ok := strings.CutPrefix(line, complaintPrefix); ok {
			return said
		}
	}
	return lines[len(lines)-1]
}

// silence says why a bus may have logged nothing: where the disk is full, neither the bus nor its log has room.
func silence(path string) string {
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = log.WriteString("\n")
		err = errors.Join(err, log.Close())
	}
	if err != nil {
		return "it could not write its log: " + err.Error()
	}
	return "it did not say why"
}
