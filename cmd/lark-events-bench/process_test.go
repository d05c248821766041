package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestAProgramThatHasEndedIsNotAwaited(t *testing.T) {
	program, err := exec.LookPath("go") // it ends at once, and knows no "bus"
	if err != nil {
		t.Skip(err)
	}
	b := &bench{dir: t.TempDir(), binary: program}
	s, err := b.newSetting()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	_, err = s.bus(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it has ended: exit status 2") || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("got %v, want how it ended and what it said", err)
	}
	p, err := s.start(t.Context(), program, "version")
	if err != nil {
		t.Fatal(err)
	}
	p.waiting.Wait()
	if line, err := p.line(); err != nil || !strings.HasPrefix(string(line), "go version") {
		t.Errorf("what it printed before its end: %q, %v", line, err)
	}
}
