package journal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// numbered returns the events from to to, both included, each with its number as its id and in its bytes.
func numbered(from, to, size int) []journal.Entry {
	var entries []journal.Entry
	for n := from; n <= to; n++ {
		event := fmt.Appendf(nil, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", size))
		entries = append(entries, journal.Entry{ID: fmt.Sprint("ev-", n), Type: fmt.Sprint("t.", n%3), Received: time.Now(), Event: event})
	}
	return entries
}

func appendNumbered(t *testing.T, j journal.Journal, from, to, size int) {
	t.Helper()
	appended, err := j.Append(t.Context(), numbered(from, to, size))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range appended {
		if want := eventcore.Position(from + i); a.Position != want || a.Duplicate {
			t.Fatalf("event %d got %+v, want position %d", from+i, a, want)
		}
	}
}

func openAt(t *testing.T, path string) *journal.SQLite {
	t.Helper()
	j, err := journal.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// holds reads the whole journal, whose events must be numbered, without a hole, from the oldest retained to the head,
// and returns the head.
func holds(t *testing.T, j journal.Journal) int {
	t.Helper()
	at, err := j.Oldest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for {
		batch, err := j.Read(t.Context(), journal.Query{After: at, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch.Records {
			if at++; r.Position != at || !bytes.HasPrefix(r.Event, fmt.Appendf(nil, `{"n":%d,`, at)) {
				t.Fatalf("at position %d lies event %.30s with position %d", at, r.Event, r.Position)
			}
		}
		if !batch.More {
			break
		}
	}
	if head, err := j.Head(t.Context()); err != nil || head != at {
		t.Fatalf("the head is %d (%v), the last event %d", head, err, at)
	}
	return int(at)
}

// survives opens the journal at path, which a fault has left behind, and fails unless it holds at least the first
// acknowledged events and no more than sent, and goes on from there also after another opening. It returns how many it
// held.
func survives(t *testing.T, what, path string, acknowledged, sent int) int {
	t.Helper()
	j := openAt(t, path)
	held := holds(t, j)
	if held < acknowledged || held > sent {
		t.Errorf("%s: %d events of %d are held, and %d were acknowledged", what, held, sent, acknowledged)
	}
	appendNumbered(t, j, held+1, held+1, 10)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path)
	defer j.Close()
	if again := holds(t, j); again != held+1 {
		t.Errorf("%s: %d events are held after one more was appended to %d", what, again, held)
	}
	return held
}

// logged is a journal as it lies on the disk with the last commits only in its log.
type logged struct {
	file, log, index []byte
	// ends are the sizes of the log after each of the last commits, and events how many events were acknowledged then.
	ends   []int
	events []int
}

// writeLogged makes a journal with some commits in its file and the last ones in its log.
func writeLogged(t *testing.T, commits int) logged {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path)
	appendNumbered(t, j, 1, 100, 200)
	if err := j.Close(); err != nil { // which moves everything to the file
		t.Fatal(err)
	}
	j = openAt(t, path)
	defer j.Close()
	l := logged{ends: []int{0}, events: []int{100}}
	for c := range commits {
		n := l.events[len(l.events)-1]
		more := []int{1, 5, 30}[c%3]
		appendNumbered(t, j, n+1, n+more, 200)
		l.ends, l.events = append(l.ends, len(content(t, path+"-wal"))), append(l.events, n+more)
	}
	l.file, l.log, l.index = content(t, path), content(t, path+"-wal"), content(t, path+"-shm")
	if !slices.IsSorted(l.ends) || l.ends[commits] != len(l.log) {
		t.Fatalf("the log did not grow with each commit: %v", l.ends)
	}
	return l
}

// acknowledged is how many events were acknowledged when the log was at most so long.
func (l logged) acknowledged(size int) int {
	i, found := slices.BinarySearch(l.ends, size)
	if !found {
		i--
	}
	return l.events[i]
}

func (l logged) sent() int { return l.events[len(l.events)-1] }

// write puts the journal, with this log, into dir. The index is what a crash of the process leaves, and a crash of the
// machine may.
func (l logged) write(t *testing.T, dir string, log, index []byte) (path string) {
	t.Helper()
	path = filepath.Join(dir, "journal.db")
	for suffix, text := range map[string][]byte{"": l.file, "-wal": log, "-shm": index} {
		os.Remove(path + suffix)
		if text == nil {
			continue
		}
		if err := os.WriteFile(path+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The power goes while the log is written: any part of its end may be missing.
func TestFaultTheLogIsCutAtEveryByte(t *testing.T) {
	l := writeLogged(t, 6)
	var cuts []int
	if testutil.LongFault() { // every byte of the last transactions, one of each size; those before them are like them
		for cut := l.ends[len(l.ends)-4]; cut <= len(l.log); cut++ {
			cuts = append(cuts, cut)
		}
	}
	cuts = append(cuts, 0, 1, 31, 32, 33)
	for _, end := range l.ends[1:] {
		cuts = append(cuts, end-1, end)
	}
	random := testutil.FaultRandom(t)
	for range 25 {
		cuts = append(cuts, random.IntN(len(l.log)))
	}
	dir, held := t.TempDir(), map[int]int{}
	for _, cut := range cuts {
		path := l.write(t, dir, l.log[:cut], nil)
		held[survives(t, fmt.Sprintf("cut at byte %d of %d", cut, len(l.log)), path, l.acknowledged(cut), l.sent())]++
	}
	t.Logf("%d events sent and acknowledged; %d cuts; journals by the events they held: %v", l.sent(), len(cuts), held)
	if len(held) != len(l.ends) {
		t.Errorf("the cuts left %d different journals, want one for each commit and one for none", len(held))
	}
}

// A write that the power cut short leaves a sector as it was before, or the disk turns a bit: what lies before it counts.
func TestFaultTheLogIsTorn(t *testing.T) {
	const sector = 512
	l := writeLogged(t, 6)
	random := testutil.FaultRandom(t)
	tear := map[string]func(log []byte, at int){
		"a bit is turned":     func(log []byte, at int) { log[at] ^= 1 << random.IntN(8) },
		"a sector is zero":    func(log []byte, at int) { clear(log[at/sector*sector : min((at/sector+1)*sector, len(log))]) },
		"the rest is zero":    func(log []byte, at int) { clear(log[at:]) },
		"the rest is garbage": func(log []byte, at int) { garble(random, log[at:]) },
	}
	tears := testutil.Faults(t, 6, 5000)
	dir := t.TempDir()
	for name, damage := range tear {
		for range tears {
			at := random.IntN(len(l.log))
			log := slices.Clone(l.log)
			damage(log, at)
			index := []([]byte){nil, slices.Clone(l.index), slices.Clone(l.index)}[random.IntN(3)]
			if len(index) > 0 && random.IntN(2) == 0 {
				garble(random, index) // nobody syncs it
			}
			path := l.write(t, dir, log, index)
			survives(t, fmt.Sprintf("%s at byte %d", name, at), path, l.acknowledged(at/sector*sector), l.sent())
		}
	}
	t.Logf("%d events sent and acknowledged, %d damaged logs", l.sent(), len(tear)*tears)
}

func garble(random *rand.Rand, text []byte) {
	for i := range text {
		text[i] = byte(random.Uint32())
	}
}

// A journal whose making was cut short held nothing, and is made anew.
func TestFaultThePowerGoesWhileTheJournalIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path)
	l := logged{file: content(t, path), log: content(t, path+"-wal")}
	j.Close()
	dir := t.TempDir()
	step := len(l.log)/testutil.Faults(t, 20, len(l.log)) + 1
	made := 0
	for cut := 0; cut <= len(l.log); cut += step {
		survives(t, fmt.Sprintf("cut at byte %d of %d", cut, len(l.log)), l.write(t, dir, l.log[:cut], nil), 0, 0)
		made++
	}
	t.Logf("%d cuts of %d bytes", made, len(l.log))
}

// Zeros behind what was written are the end of the log, whether the log was begun or not.
func TestFaultThePowerGoesAfterRoomWasReserved(t *testing.T) {
	for _, c := range []struct {
		begun  bool
		events int
	}{{true, 0}, {true, 1}, {true, 200}, {false, 0}, {false, 1}, {false, 200}} {
		path := filepath.Join(t.TempDir(), "journal.db")
		j := openAt(t, path)
		appendNumbered(t, j, 1, 100, 200)
		if !c.begun {
			j.Close() // which empties the log
			j = openAt(t, path)
		}
		if err := j.Reserve(); err != nil {
			t.Fatal(err)
		}
		reserved := len(content(t, path+"-wal"))
		for n := 101; n <= 100+c.events; n++ {
			appendNumbered(t, j, n, n, 200)
		}
		l := logged{file: content(t, path), log: content(t, path+"-wal")}
		if len(l.log) != reserved {
			t.Errorf("the log has %d bytes, %d were reserved", len(l.log), reserved)
		}
		j.Close()
		survives(t, fmt.Sprintf("%+v", c), l.write(t, t.TempDir(), l.log, nil), 100+c.events, 100+c.events)
	}
}
