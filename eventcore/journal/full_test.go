//go:build linux

package journal_test

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// limitFiles makes every write beyond size bytes of a file fail, until the function that it returns is called.
func limitFiles(t *testing.T, size int64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // which would otherwise end the process instead of failing the write
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(limit syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	set(syscall.Rlimit{Cur: uint64(size), Max: before.Max})
	lift = func() { set(before) }
	t.Cleanup(lift)
	return lift
}

// A write fails at every place of a commit in turn. Nothing of the commit is kept, and the same events, which the
// platform sends again, are kept once the disk writes again.
func TestFaultWritesFailAtEveryPlaceOfACommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path)
	defer j.Close()
	appendNumbered(t, j, 1, 10, 200)
	kept, failed := 10, 0
	places := testutil.Faults(t, 10, 300)
	for room := 0; ; room += 30_000 / places {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		lift := limitFiles(t, info.Size()+int64(room))
		_, err = j.Append(t.Context(), numbered(kept+1, kept+30, 200))
		read := holds(t, j)
		lift()
		if err == nil {
			if room == 0 {
				t.Fatal("the limit limits nothing")
			}
			kept += 30
			break
		}
		failed++
		if read != kept {
			t.Fatalf("with room for %d bytes, %d events are held after a failed append to %d", room, read, kept)
		}
		appendNumbered(t, j, kept+1, kept+1, 200)
		kept++
	}
	if held := holds(t, j); held != kept {
		t.Errorf("%d events are held, want %d", held, kept)
	}
	t.Logf("%d failed appends, %d events acknowledged and held", failed, kept)
}

// onSmallDisk returns a directory on a disk of this size.
func onSmallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("needs to mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes what room is left, in a file that is returned.
func fill(t *testing.T, dir string) (file string) {
	t.Helper()
	file = filepath.Join(dir, "filler")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for err == nil {
		_, err = out.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return file
}

func leaveRoom(t *testing.T, filler string, room int) {
	t.Helper()
	info, err := os.Stat(filler)
	if err == nil {
		err = os.Truncate(filler, info.Size()-int64(room))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFaultTheDiskIsFull(t *testing.T) {
	dir := onSmallDisk(t, "16m") // of which the log alone takes up to 8
	path := filepath.Join(dir, "journal.db")
	j := openAt(t, path)
	random := testutil.FaultRandom(t)
	kept := 0
	for range testutil.Faults(t, 5, 100) {
		filler := fill(t, dir)
		leaveRoom(t, filler, random.IntN(12)*4096) // for a part of a commit, or for one
		failures := 0
		for failures < 3 {
			if _, err := j.Append(t.Context(), numbered(kept+1, kept+10, 500)); err == nil {
				kept += 10
			} else if failures++; !errors.Is(err, journal.ErrFull) {
				t.Fatalf("a full disk is told as %v", err)
			}
			if held := holds(t, j); held != kept {
				t.Fatalf("%d events are held, %d were acknowledged", held, kept)
			}
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		appendNumbered(t, j, kept+1, kept+10, 500)
		kept += 10
		if _, err := j.Trim(t.Context(), journal.Retention{Age: time.Hour, Bytes: 50_000}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events held of %d acknowledged, on a disk that was full again and again", survives(t, "after a full disk", path, kept, kept), kept)
}

// SQLite takes a transaction back by itself if it finds the disk full before the commit. Of the log of a bus that cannot
// start only one line is told.
func TestATransactionThatIsTakenBackIsToldInOneLine(t *testing.T) {
	dir := onSmallDisk(t, "3m")
	j := openAt(t, filepath.Join(dir, "journal.db"))
	defer j.Close()
	_, err := j.Append(t.Context(), numbered(1, 400, 20_000))
	if !errors.Is(err, journal.ErrFull) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that says that the disk is full", err)
	}
	appendNumbered(t, j, 1, 10, 500)
	if held := holds(t, j); held != 10 {
		t.Errorf("%d events are held", held)
	}
}

func TestNoRoomToReserveIsNoHarm(t *testing.T) {
	dir := onSmallDisk(t, "3m")
	path := filepath.Join(dir, "journal.db")
	j := openAt(t, path)
	defer j.Close()
	appendNumbered(t, j, 1, 10, 500)
	if err := j.Reserve(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v", err)
	}
	appendNumbered(t, j, 11, 500, 500)
	if held := holds(t, j); held != 500 {
		t.Errorf("%d events are held", held)
	}
}

func TestFaultTheDiskIsFullAtTheOpening(t *testing.T) {
	dir := onSmallDisk(t, "1m")
	path := filepath.Join(dir, "journal.db")
	refused := func(what string) {
		t.Helper()
		var e *eventcore.Error
		if _, err := journal.OpenSQLite(t.Context(), path); !errors.As(err, &e) || !strings.Contains(e.Hint, "free space") {
			t.Errorf("%s: %v, want the hint to free space", what, err)
		}
	}
	filler := fill(t, dir)
	refused("a new journal")
	os.Remove(filler)
	j := openAt(t, path)
	appendNumbered(t, j, 1, 50, 500)
	files := logged{file: content(t, path), log: content(t, path+"-wal")} // as after a crash
	j.Close()
	files.write(t, dir, files.log, nil)
	filler = fill(t, dir)
	refused("a journal with a log")
	os.Remove(filler)
	survives(t, "once there is room", path, 50, 50)
}

func TestFaultTheDiskIsReadOnlyAtTheOpening(t *testing.T) {
	dir := onSmallDisk(t, "1m")
	path := filepath.Join(dir, "journal.db")
	j := openAt(t, path)
	appendNumbered(t, j, 1, 50, 500)
	j.Close()
	remount := func(flags uintptr) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	var e *eventcore.Error
	if _, err := journal.OpenSQLite(t.Context(), path); !errors.As(err, &e) || !errors.Is(err, syscall.EROFS) || e.Hint == "" {
		t.Errorf("got %v, want the file and what to do", err)
	}
	remount(0)
	survives(t, "once it can be written to", path, 50, 50)
}
