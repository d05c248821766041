package protocol

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// However a request is read, it is the same request.
func FuzzDecodeFetch(f *testing.F) {
	for _, req := range []Request{
		{ID: 7, Fetch: &Fetch{After: 12, Types: []string{"im.message.receive_v1"}, Max: 20, WaitMS: 15000}},
		{ID: 0, Fetch: &Fetch{Max: 1}},
		{ID: 1, Fetch: &Fetch{After: 1<<63 + 1, Types: []string{"a", "b"}, Max: 200, MaxBytes: 1 << 20}},
		{ID: 1, Fetch: &Fetch{Types: []string{`a"b`, "<é>"}, Max: -1, WaitMS: -1}},
		{ID: 1, Count: &Count{After: 3}},
	} {
		line, err := json.Marshal(req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(line))
	}
	for _, line := range []string{
		`{"id":01,"fetch":{"after":0,"max":1}}`, `{"id":1,"fetch":{"after":,"max":1}}`, `{"id":1,"fetch":{"after":1,"types":[],"max":1}}`,
		`{"id":1,"fetch":{"after":1,"max":1},"id":2}`, `{"id":1,"fetch":{"after":1,"max":99999999999999999999}}`, `{"id":1,"fetch":{"after":1,"types":["a"`, ``,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var quick, whole Request
		if !decodeFetch([]byte(line), &quick) {
			return
		}
		if err := json.Unmarshal([]byte(line), &whole); err != nil {
			t.Fatalf("%q was read, and is no request: %v", line, err)
		}
		if !reflect.DeepEqual(quick, whole) {
			t.Errorf("%q was read as %+v, is %+v", line, quick.Fetch, whole.Fetch)
		}
	})
}

// However an answer is read, it is the same answer. Inside of events, package json would look for more.
func FuzzDecodeBatch(f *testing.F) {
	event := `{"event_id":"e","event_type":"t.a","payload":{"a":"\\"}]","b":[{}]},"timestamp":"2026-01-02T03:04:05.678Z"}`
	for _, line := range []string{
		`{"id":1,"batch":{"events":[],"next":2,"head":3}}`,
		`{"id":1,"batch":{"events":[{"position":1,"event":` + event + `}],"next":2,"head":3,"more":true,"gap":true}}`,
		`{"id":1,"batch":{"events":[{"position":1,"event":` + event + `},{"position":2,"event":{}}],"next":2,"head":3,"more":true}}`,
		`{"id":1,"batch":{"events":[{"position":1,"event":1}],"next":2,"head":3}}`, `{"id":1,"batch":{"events":[,],"next":2,"head":3}}`,
		`{"id":1,"batch":{"events":[{"position":1,"event":{"a"`, `{"source":{"phase":"connected"}}`, ``,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var quick, whole Response
		if !decodeBatch([]byte(line), &quick) || json.Unmarshal([]byte(line), &whole) != nil {
			return
		}
		if !reflect.DeepEqual(quick, whole) {
			t.Errorf("%q was read as %+v, is %+v", line, quick.Batch, whole.Batch)
		}
	})
}

// However an event is read, it is the same event.
func FuzzDecodeEvent(f *testing.F) {
	for _, text := range []string{
		`{"event_id":"e","event_type":"t.a","source_time":"1","payload":{"a":"\"}]","b":[{}]},"timestamp":"2026-01-02T03:04:05.678Z"}`,
		`{"event_id":"e","event_type":"t.a","payload":{},"timestamp":"2026-01-02T03:04:05+08:00"}`,
		`{"event_id":"\u00e9","event_type":"t.a","payload":null,"timestamp":"2026-01-02T03:04:05Z"}`,
		`{"payload":{},"event_id":"e"}`, `{"event_id":"e","event_type":"t.a","payload":{`, `{"event_id":"e","event_type":"t.a","payload":{},"timestamp":"x"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var whole eventcore.RawEvent
		got, err := DecodeEvent([]byte(text))
		if wholeErr := json.Unmarshal([]byte(text), &whole); wholeErr != nil {
			return // only its form was looked at
		}
		if err != nil || !reflect.DeepEqual(*got, whole) {
			t.Errorf("%q was read as %+v, %v; is %+v", text, got, err, whole)
		}
	})
}

func TestWhatThisProgramWritesIsReadAsQuickly(t *testing.T) {
	event := eventcore.RawEvent{EventID: "e1", EventType: "t.a", SourceTime: "17", Payload: json.RawMessage(`{"a":"é\"}"}`), Timestamp: time.Unix(5, 6).UTC()}
	encoded := AppendEvent(nil, &event)
	var out bytes.Buffer
	batch := Batch{Events: []Item{{3, encoded}, {4, encoded}}, Next: 4, Head: 9, More: true}
	if err := NewWriter(&out).WriteBatch(42, batch, [][]byte{AppendItem(nil, 3, encoded), AppendItem(nil, 4, encoded)}); err != nil {
		t.Fatal(err)
	}
	var got Response
	if !decodeBatch(out.Bytes(), &got) || got.ID != 42 || !reflect.DeepEqual(*got.Batch, batch) {
		t.Errorf("%s was read as %+v", out.Bytes(), got.Batch)
	}
	if one, err := DecodeEvent(got.Batch.Events[1].Event); err != nil || !reflect.DeepEqual(*one, event) {
		t.Errorf("%s was read as %+v, %v", encoded, one, err)
	}
	if n := testing.AllocsPerRun(10, func() { DecodeEvent(encoded) }); n > 6 { // package json takes 12
		t.Errorf("an event is read with %v allocations", n)
	}
}

func TestAFetchAsThisProgramWritesItIsReadWithoutPackageJSON(t *testing.T) {
	want := Request{ID: 7, Fetch: &Fetch{After: 12, Types: []string{"t.a", "t.b"}, Max: 20, MaxBytes: 5, WaitMS: 15000}}
	line, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Request
	if !decodeFetch(append(line, '\n'), &got) || !reflect.DeepEqual(got, want) {
		t.Errorf("%s was read as %+v", line, got)
	}
}
