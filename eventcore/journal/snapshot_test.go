//go:build unix

package journal_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// envWriter makes this test binary a process that writes to a journal, in the directory that it names, until killed.
const envWriter = "LARK_EVENTS_TEST_JOURNAL_WRITER"

// retained bounds the writer's journal, so that it is trimmed as well.
const retained = 300_000

// The writer's progress: the numbers of the last event that it gave to Append and of the last acknowledged one.
const progressFile = "progress"

// TestJournalWriter is no test, but the process that [TestFaultTheFilesAreCopiedMidWrite] stops.
func TestJournalWriter(t *testing.T) {
	dir := os.Getenv(envWriter)
	if dir == "" {
		t.Skip("runs as a process of another test")
	}
	j := openAt(t, filepath.Join(dir, "journal.db"))
	progress, err := os.Create(filepath.Join(dir, progressFile))
	if err != nil {
		t.Fatal(err)
	}
	tell := func(sent, acknowledged int) {
		text := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(sent)), uint64(acknowledged))
		if _, err := progress.WriteAt(text, 0); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for {
			j.Trim(context.Background(), journal.Retention{Age: time.Hour, Bytes: retained}, time.Now())
		}
	}()
	for n := 0; ; {
		more := 1 + rand.IntN(20)
		tell(n+more, n)
		appendNumbered(t, j, n+1, n+more, 500)
		n += more
		tell(n, n)
	}
}

// The machine stops while the journal is written, checkpointed and trimmed. All its files are copied as they were at
// one moment, which a process that is stopped makes possible.
func TestFaultTheFilesAreCopiedMidWrite(t *testing.T) {
	dir := t.TempDir()
	writer := exec.Command(os.Args[0], "-test.run=^TestJournalWriter$")
	writer.Env = append(os.Environ(), envWriter+"="+dir)
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		writer.Process.Kill()
		writer.Wait()
	}()
	copies := testutil.Faults(t, 20, 2000)
	last, stuck := 0, time.Now().Add(time.Minute)
	var partly int
	for made := 0; made < copies; {
		select {
		case <-time.After(time.Duration(rand.IntN(int(30 * time.Millisecond)))): // where it is stopped is to be chance
		case <-t.Context().Done():
		}
		files, sent, acknowledged := stopAndCopy(t, writer.Process.Pid, dir)
		if acknowledged == last {
			if time.Now().After(stuck) {
				t.Fatalf("the writer has not come beyond event %d for a minute", last)
			}
			continue
		}
		last, stuck, made = acknowledged, time.Now().Add(time.Minute), made+1
		if made%2 == 0 {
			files.index = nil // the machine's crash need not leave it
		}
		if sent > acknowledged {
			partly++
		}
		survives(t, "copied mid-write", files.write(t, t.TempDir(), files.log, files.index), acknowledged, sent)
	}
	t.Logf("%d copies, %d of them during an append; %d events acknowledged", copies, partly, last)
}

// stopAndCopy stops the writer, copies its files, and lets it go on.
func stopAndCopy(t *testing.T, pid int, dir string) (files logged, sent, acknowledged int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the writer did not stop: %v, %v", status, err)
	}
	progress, err := os.ReadFile(filepath.Join(dir, progressFile))
	if err != nil || len(progress) == 0 {
		return files, 0, 0 // it has not begun yet
	}
	path := filepath.Join(dir, "journal.db")
	files = logged{file: content(t, path), log: content(t, path+"-wal"), index: content(t, path+"-shm")}
	return files, int(binary.BigEndian.Uint64(progress)), int(binary.BigEndian.Uint64(progress[8:]))
}
