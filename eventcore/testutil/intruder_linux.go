package testutil

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// IntruderID is the user and the group of intruders, which nobody is.
const IntruderID = 61234

const (
	intruderTask = "LARK_EVENTS_TEST_INTRUDER"
	intruderSays = "the intruder is ready"
)

// Intruding returns what this process is to do if it is an intruder, and whether it is one.
func Intruding() (task string, is bool) { return os.LookupEnv(intruderTask) }

// Intrude runs the test that calls it once more, in a process of another user, which gets the task from [Intruding].
// If it fails, this test does. Intrude returns when that process has ended. Only root can; others skip the test.
func Intrude(t *testing.T, task string) {
	t.Helper()
	cmd := intruder(t, task)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as user %d, %s: %v\n%s", IntruderID, task, err, out)
	}
}

// LetIntrude is Intrude for what lasts: it returns when the other process has called [Lurk], and ends it with the test.
func LetIntrude(t *testing.T, task string) {
	t.Helper()
	cmd := intruder(t, task)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("as user %d, %s: %v", IntruderID, task, err)
		}
	})
	said := bufio.NewScanner(stdout)
	for said.Scan() {
		if strings.Contains(said.Text(), intruderSays) {
			return
		}
	}
	t.Fatalf("as user %d, %s: it ended at once", IntruderID, task)
}

// Lurk lets the test that started this process go on, and returns when that test has ended.
func Lurk() {
	fmt.Println(intruderSays)
	io.Copy(io.Discard, os.Stdin)
}

// intruder is this test in a process of another user.
func intruder(t *testing.T, task string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can act as another user")
	}
	// The link leads to the test's program also where its folder is closed to others.
	name := strings.Split(t.Name(), "/")[0]
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+name+"$", "-test.short", "-test.timeout=2m")
	cmd.Env = []string{intruderTask + "=" + task, "TMPDIR=/nonexistent", "HOME=/nonexistent", "GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: IntruderID, Gid: IntruderID}}
	cmd.WaitDelay = time.Minute
	return cmd
}

// SharedPlace returns a folder in which every user may make files and none may remove another's, as in /tmp. It is
// removed at the end of the test.
func SharedPlace(t *testing.T) string {
	t.Helper()
	place := filepath.Join(string(Home(t)), "shared")
	for _, err := range []error{
		os.Mkdir(place, 0o700), os.Chmod(filepath.Dir(place), 0o755), os.Chmod(place, 0o777|os.ModeSticky),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return place
}
