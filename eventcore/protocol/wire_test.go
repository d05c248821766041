package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestABatchIsWrittenAsItWouldBeEncoded(t *testing.T) {
	raw := eventcore.RawEvent{EventID: "e1", EventType: "t.a", Payload: json.RawMessage(`{"a":"é\n"}`), Timestamp: time.Unix(5, 0).UTC()}
	event, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range []Batch{
		{Events: []Item{}, Next: 7, Head: 9},
		{Events: []Item{{3, event}}, Next: 3, Head: 9, More: true},
		{Events: []Item{{3, event}, {1 << 62, event}}, Next: 1 << 62, Head: 1 << 62, Gap: true},
	} {
		var out bytes.Buffer
		var lines [][]byte
		for _, item := range batch.Events {
			lines = append(lines, AppendItem(nil, item.Position, item.Event))
		}
		if err := NewWriter(&out).WriteBatch(42, batch, lines); err != nil {
			t.Fatal(err)
		}
		var got Response
		if err := NewReader(&out, MaxResponseLine).Read(&got); err != nil {
			t.Fatal(err)
		}
		if got.ID != 42 || !reflect.DeepEqual(*got.Batch, batch) {
			t.Errorf("got %+v, want %+v", got.Batch, batch)
		}
	}
}

// A long batch goes out in parts, each line whole all the same, and the parts are as they were.
func TestALongBatchIsWrittenFromItsParts(t *testing.T) {
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	listener, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Skip("no Unix sockets here: ", err)
	}
	defer listener.Close()
	from, err := net.DialUnix("unix", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	var lines [][]byte
	var want []Item
	for n := range MaxBatchEvents {
		item := Item{eventcore.Position(n + 1), json.RawMessage(`"` + strings.Repeat("x", n) + `"`)}
		want, lines = append(want, item), append(lines, AppendItem(nil, item.Position, item.Event))
	}
	var together []byte // some lie behind each other in memory
	for n := 600; n < 900; n++ {
		together = append(together, lines[n]...)
	}
	for n := 600; n < 900; n++ {
		lines[n], together = together[:len(lines[n])], together[len(lines[n]):]
	}
	sizes := []int{MaxBatchEvents, 1, 0, 300}
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() {
		w := NewWriter(from)
		for id, n := range sizes {
			if err := w.WriteBatch(uint64(id), Batch{Next: 7, Head: 9, More: true}, lines[len(lines)-n:]); err != nil {
				t.Error(err)
			}
		}
	})
	in := NewReader(to, MaxResponseLine)
	for id, n := range sizes {
		var got Response
		if err := in.Read(&got); err != nil {
			t.Fatal(err)
		}
		if got.ID != uint64(id) || got.Batch.Next != 7 || got.Batch.Head != 9 || !got.Batch.More || len(got.Batch.Events) != n ||
			n > 0 && !reflect.DeepEqual(got.Batch.Events, want[len(want)-n:]) {
			t.Errorf("answer %d with %d events is not as it was written", got.ID, len(got.Batch.Events))
		}
	}
}

func TestReaderLimitsLines(t *testing.T) {
	long := `"` + strings.Repeat("x", 100_000) + `"` + "\n"
	in := NewReader(strings.NewReader(`"a"`+"\n"+long+`"b"`), len(long))
	var text string
	if err := in.Read(&text); err != nil || text != "a" {
		t.Errorf("%q, %v", text, err)
	}
	if err := in.Read(&text); err != nil || len(text) != 100_000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if err := in.Read(&text); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a line without an end: %v", err)
	}
	if err := NewReader(strings.NewReader(long), len(long)-1).Read(&text); !errors.Is(err, ErrLineTooLong) {
		t.Errorf("one byte too long: %v", err)
	}
	if err := NewReader(strings.NewReader(""), 10).Read(&text); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"id":1,"hello":{"version":1,"role":"consumer"}}` + "\n"))
	f.Add([]byte(`{"id":2,"fetch":{"after":18446744073709551615,"types":["a"],"max":-1,"wait_ms":-9223372036854775808}}` + "\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var req Request
		if err := NewReader(bytes.NewReader(line), 1<<16).Read(&req); err != nil {
			return
		}
		if err := NewWriter(io.Discard).Write(req); err != nil {
			t.Errorf("%q was read but cannot be written: %v", line, err)
		}
	})
}

func TestAnEventIsEncodedAsItIs(t *testing.T) {
	for _, text := range []string{"plain.type_v1", `"quoted\"`, "<&>", "é\n\u2028\x00\x7f", ""} {
		want := eventcore.RawEvent{
			EventID: "id " + text, EventType: "type " + text, SourceTime: text,
			Payload: json.RawMessage(`{"a":"<&>é\u003c\u2028"}`), Timestamp: time.Unix(5, 6000).UTC(),
		}
		line := AppendEvent(nil, &want)
		var got eventcore.RawEvent
		if err := json.Unmarshal(line, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
		if bytes.ContainsAny(line, "\n\r") {
			t.Errorf("%s has a line break", line)
		}
	}
}

func TestTheLargestBatchFitsALine(t *testing.T) {
	event := AppendItem(nil, 1<<63, nil)
	if around := MaxBatchEvents*(len(event)+1) + 200; MaxEventBytes+around > MaxResponseLine || MaxBatchBytes+around > MaxResponseLine {
		t.Errorf("an event of %d bytes and %d around it exceed a line of %d", MaxEventBytes, around, MaxResponseLine)
	}
}
