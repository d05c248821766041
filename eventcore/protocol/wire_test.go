package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
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
