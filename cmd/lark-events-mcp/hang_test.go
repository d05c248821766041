//go:build unix

package main_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestABusThatHangsIsNamedInTheStatus(t *testing.T) {
	w := newWorld(t)
	a := w.agent(legacyEra)
	a.listen(messageKey)
	pid := w.status().PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT) // also what a failure would leave behind
	eventually(t, "the bus stands still", func() bool { return standsStill(pid) })
	s := a.status()
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if len(s.Problems) != 1 || s.Problems[0].Code != string(eventcore.CodeBusUnavailable) ||
		!strings.Contains(s.Problems[0].Message, fmt.Sprintf("process %d", pid)) {
		t.Errorf("problems: %+v, want one that names process %d", s.Problems, pid)
	}
	w.send("after")
	a.mustRead("after")
}
