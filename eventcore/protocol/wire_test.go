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

// What another version may write, with members that this one does not know, or in another order, is read as well.
func TestABatchIsReadHoweverItIsWritten(t *testing.T) {
	event := `{"event_id":"e1","event_type":"t.a","payload":{"a":[1]},"timestamp":"2026-01-02T03:04:05.6Z"}`
	want := Batch{Events: []Item{{3, json.RawMessage(event)}}, Next: 3, Head: 9, More: true}
	for _, line := range []string{
		`{"id":7,"batch":{"events":[{"position":3,"event":` + event + `}],"next":3,"head":9,"more":true}}`,
		`{"batch":{"head":9,"more":true,"next":3,"events":[{"event":` + event + `,"position":3}]},"id":7}`,
		`{"id":7,"batch":{"new":{"x":1},"events":[{"position":3,"event":` + event + `}],"next":3,"head":9,"more":true},"newer":[]}`,
		` { "id" : 7 , "batch" : { "events" : [ { "position" : 3 , "event" : ` + event + ` } ] , "next" : 3 , "head" : 9 , "more" : true } } `,
	} {
		var got Response
		if err := NewReader(strings.NewReader(line+"\n"), MaxResponseLine).Read(&got); err != nil {
			t.Fatal(err)
		}
		if got.ID != 7 || got.Batch == nil || !reflect.DeepEqual(*got.Batch, want) {
			t.Errorf("%s is read as %+v", line, got.Batch)
		}
	}
	for _, line := range []string{`{"id":7,"batch":{"events":[{]}}`, `{"id":-7,"batch":{}}`, `{"id":7,"batch":{"next":"x"}}`} {
		var got Response
		if err := NewReader(strings.NewReader(line+"\n"), MaxResponseLine).Read(&got); err == nil {
			t.Errorf("%s is read as %+v", line, got)
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
		if got, err := DecodeEvent(line); err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("DecodeEvent: got %+v (%v), want %+v", got, err, want)
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

func TestDecodeEventReadsWhatEncodingJSONDoes(t *testing.T) {
	for _, text := range []string{
		`{"event_id":"e","event_type":"t","source_time":"1","payload":{},"timestamp":"2026-01-02T03:04:05Z","more":1}`,
		`{"EVENT_ID":"e","event_type":"t"}`, `{"event_id":null}`, ` {} `, `{"event_id":7}`, `{"timestamp":"x"}`, `[]`, `{`, ``, `{"event_id":"a",}`,
	} {
		var want eventcore.RawEvent
		wantErr := json.Unmarshal([]byte(text), &want)
		got, err := DecodeEvent([]byte(text))
		if (err != nil) != (wantErr != nil) || (err == nil && !reflect.DeepEqual(*got, want)) {
			t.Errorf("%s: got %+v (%v), want %+v (%v)", text, got, err, want, wantErr)
		}
	}
}

// BenchmarkReadBatch is a page of 100 events on the consumer's side.
func BenchmarkReadBatch(b *testing.B) {
	raw := eventcore.RawEvent{
		EventID: "5e3702a84e847582be8db7fb73283c02", EventType: "im.message.receive_v1", SourceTime: "1700000000000", Timestamp: time.Now(),
		Payload: json.RawMessage(`{"schema":"2.0","event":{"message":{"content":"` + strings.Repeat("x", 800) + `"}}}`),
	}
	var items [][]byte
	for n := range 100 {
		items = append(items, AppendItem(nil, eventcore.Position(n), AppendEvent(nil, &raw)))
	}
	var line bytes.Buffer
	if err := NewWriter(&line).WriteBatch(1, Batch{}, items); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(line.Len()))
	for b.Loop() {
		var got Response
		if err := NewReader(bytes.NewReader(line.Bytes()), MaxResponseLine).Read(&got); err != nil {
			b.Fatal(err)
		}
		for _, item := range got.Batch.Events {
			if _, err := DecodeEvent(item.Event); err != nil {
				b.Fatal(err)
			}
		}
	}
}
