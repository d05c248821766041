package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// eventBytes is about what a text message of 200 characters takes in the journal.
const eventBytes = 1100

// benchEntries returns n entries whose ids begin at first.
func benchEntries(first, n int) []Entry {
	event := bytes.Repeat([]byte("x"), eventBytes)
	entries := make([]Entry, n)
	for i := range entries {
		id := fmt.Sprintf("%016x%016x", uint64(first+i)*0x9E3779B97F4A7C15, first+i)
		entries[i] = Entry{ID: id, Type: fmt.Sprintf("im.message.receive_v%d", i%4), Received: time.Now(), Event: event}
	}
	return entries
}

func benchJournal(b *testing.B) *SQLite {
	b.Helper()
	j, err := OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	return j
}

// BenchmarkAppend is one commit of so many events.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j := benchJournal(b)
			b.ReportAllocs()
			for first := 0; b.Loop(); first += n {
				if _, err := j.Append(b.Context(), benchEntries(first, n)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkSync is what an append of one event is measured against: the same bytes written and synced.
func BenchmarkSync(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	event := bytes.Repeat([]byte("x"), eventBytes)
	for b.Loop() {
		if _, err := file.Write(event); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead is a page of 100 from a journal of 10,000 and one of 300,000, of all types, one, and two.
func BenchmarkRead(b *testing.B) {
	for _, events := range []int{10_000, 300_000} {
		j := benchJournal(b)
		for first := 0; first < events; first += 1000 {
			if _, err := j.Append(b.Context(), benchEntries(first, 1000)); err != nil {
				b.Fatal(err)
			}
		}
		for name, types := range map[string][]string{
			"all": nil, "one": {"im.message.receive_v0"}, "two": {"im.message.receive_v0", "im.message.receive_v2"},
		} {
			for where, after := range map[string]int{"start": 0, "middle": events / 2, "end": events - 500} {
				b.Run(fmt.Sprintf("%d/%s/%s", events, name, where), func(b *testing.B) {
					for b.Loop() {
						batch, err := j.Read(b.Context(), Query{After: eventcore.Position(after), Types: types, Limit: 100})
						if err != nil || len(batch.Records) != 100 {
							b.Fatal(len(batch.Records), err)
						}
					}
				})
			}
		}
	}
}
