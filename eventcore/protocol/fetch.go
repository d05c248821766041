package protocol

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Nearly all lines are fetches and their answers, and package json takes longer to read them than all else that is done
// about them. What this program writes is therefore read here, exactly as it is written, and anything else by package json.

// decodeFetch reads a request that is a fetch; ok is false for anything else.
func decodeFetch(line []byte, req *Request) (ok bool) {
	in := scanLine(line)
	var f Fetch
	in.skip(`{"id":`)
	id := in.number(18)
	in.skip(`,"fetch":{"after":`)
	f.After = eventcore.Position(in.number(18))
	if in.has(`,"types":["`) {
		f.Types = append(f.Types, in.name())
		for in.has(`,"`) {
			f.Types = append(f.Types, in.name())
		}
		in.skip(`]`)
	}
	in.skip(`,"max":`)
	f.Max = int(in.number(9))
	if in.has(`,"max_bytes":`) {
		f.MaxBytes = int(in.number(9))
	}
	if in.has(`,"wait_ms":`) {
		f.WaitMS = int64(in.number(9))
	}
	in.skip(`}}`)
	if !in.finished() {
		return false
	}
	*req = Request{ID: id, Fetch: &f}
	return true
}

// decodeBatch reads an answer that is a batch, see [Writer.WriteBatch]; ok is false for anything else. Of the events it
// looks no further than to where they end.
func decodeBatch(line []byte, answer *Response) (ok bool) {
	in := scanLine(line)
	var b Batch
	in.skip(`{"id":`)
	id := in.number(18)
	in.skip(`,"batch":{"events":[`)
	b.Events = []Item{}
	for more := in.good && !in.has(`]`); more; more = in.has(`,`) {
		var item Item
		in.skip(`{"position":`)
		item.Position = eventcore.Position(in.number(18))
		in.skip(`,"event":`)
		item.Event = bytes.Clone(in.object()) // the line is not the caller's
		in.skip(`}`)
		b.Events = append(b.Events, item)
	}
	if len(b.Events) > 0 {
		in.skip(`]`)
	}
	in.skip(`,"next":`)
	b.Next = eventcore.Position(in.number(18))
	in.skip(`,"head":`)
	b.Head = eventcore.Position(in.number(18))
	b.More = in.has(`,"more":true`)
	b.Gap = in.has(`,"gap":true`)
	in.skip(`}}`)
	if !in.finished() {
		return false
	}
	*answer = Response{ID: id, Batch: &b}
	return true
}

// DecodeEvent reads an event as [AppendEvent] writes it, or as package json does. The payload is a part of what was
// given.
func DecodeEvent(encoded []byte) (*eventcore.RawEvent, error) {
	var event eventcore.RawEvent
	in := scanLine(encoded)
	in.skip(`{"event_id":"`)
	event.EventID = in.name()
	in.skip(`,"event_type":"`)
	event.EventType = in.name()
	if in.has(`,"source_time":"`) {
		event.SourceTime = in.name()
	}
	in.skip(`,"payload":`)
	event.Payload = in.object()
	in.skip(`,"timestamp":"`)
	received := in.name()
	in.skip(`}`)
	var err error
	if event.Timestamp, err = time.Parse(time.RFC3339Nano, received); err == nil && in.finished() {
		return &event, nil
	}
	event = eventcore.RawEvent{}
	if err := json.Unmarshal(encoded, &event); err != nil {
		return nil, err
	}
	return &event, nil
}
