package journal_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// Times of arrival follow the machine's clock, wherever that goes; the order of events does not.
func TestFaultTheClockJumpsWhileEventsArrive(t *testing.T) {
	j := openAt(t, filepath.Join(t.TempDir(), "journal.db"))
	defer j.Close()
	now := time.UnixMilli(1_800_000_000_000)
	random := testutil.FaultRandom(t)
	var received []time.Time
	for n := range testutil.Faults(t, 100, 5000) {
		switch random.IntN(10) {
		case 0:
			now = now.Add(365 * 24 * time.Hour)
		case 1:
			now = now.Add(-400 * 24 * time.Hour)
		default:
			now = now.Add(time.Second)
		}
		entry := numbered(n+1, n+1, 10)
		entry[0].Received = now
		if _, err := j.Append(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
		received = append(received, now)
	}
	if held := holds(t, j); held != len(received) {
		t.Errorf("%d events are held of %d", held, len(received))
	}
	for _, since := range received {
		first := 0
		for received[first].Before(since) {
			first++
		}
		// Nothing that arrived since then by any clock is left out.
		if got, err := j.SeekTime(t.Context(), since); err != nil || got != eventcore.Position(first) {
			t.Fatalf("what arrived since %v begins at %d (%v), want %d", since, got, err, first)
		}
	}
}

// A reader that is slower than the retention is told so whenever something was removed before it, and only then.
func TestFaultRetentionOvertakesAReader(t *testing.T) {
	j := openAt(t, filepath.Join(t.TempDir(), "journal.db"))
	defer j.Close()
	events := testutil.Faults(t, 600, 300_000)
	turns := make(chan struct{}, events)
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() {
		defer close(turns)
		for n := 1; n <= events; n += 20 {
			if _, err := j.Append(context.Background(), numbered(n, n+19, 100)); err != nil {
				t.Errorf("append: %v", err)
				return
			}
			if _, err := j.Trim(context.Background(), journal.Retention{Age: time.Hour, Bytes: 5000}, time.Now()); err != nil {
				t.Errorf("trim: %v", err)
				return
			}
			if n%80 == 1 {
				turns <- struct{}{}
			}
		}
	})
	at, read, gaps := eventcore.Position(0), 0, 0
	for at < eventcore.Position(events) {
		<-turns // which leaves the reader behind, until all was appended
		batch, err := j.Read(t.Context(), journal.Query{After: at, Limit: 1 + int(at)%20})
		if err != nil {
			t.Fatal(err)
		}
		if batch.Gap {
			gaps++
		}
		for i, r := range batch.Records {
			if r.Position != at+1 && (i > 0 || !batch.Gap) {
				t.Fatalf("after position %d came %d, and nobody was told (gap: %v)", at, r.Position, batch.Gap)
			}
			at = r.Position
			read++
		}
		if len(batch.Records) == 0 {
			if batch.Next != at && !batch.Gap {
				t.Fatalf("the events from %d to %d were passed over in silence", at, batch.Next)
			}
			at = batch.Next
		}
	}
	if gaps == 0 {
		t.Error("retention never overtook the reader")
	}
	t.Logf("%d events appended, %d read, the rest removed before %d reads that said so", events, read, gaps)
}
