package protocol

import (
	"bytes"
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/jsonscan"
)

// DecodeEvent reads an event as [AppendEvent] writes it, or as encoding/json does. The payload is a part of encoded.
func DecodeEvent(encoded []byte) (*eventcore.RawEvent, error) {
	var event eventcore.RawEvent
	if scanEvent(encoded, &event) {
		return &event, nil
	}
	event = eventcore.RawEvent{}
	if err := json.Unmarshal(encoded, &event); err != nil {
		return nil, err
	}
	return &event, nil
}

// scanEvent reads an event whose members have the names and types they are written with.
func scanEvent(encoded []byte, event *eventcore.RawEvent) bool {
	s := jsonscan.New(encoded)
	fits := true
	s.Object(func(name []byte) {
		switch string(name) {
		case "event_id":
			event.EventID = s.Text()
		case "event_type":
			event.EventType = s.Text()
		case "source_time":
			event.SourceTime = s.Text()
		case "payload":
			event.Payload = s.Value()
		case "timestamp":
			fits = event.Timestamp.UnmarshalJSON(s.Value()) == nil && fits
		default:
			fits = false
		}
	})
	return s.OK() && fits
}

// scanBatch reads a line that is the answer to a fetch, as [Writer.WriteBatch] writes it, and reports whether it is one.
// What it returns is a copy.
func scanBatch(line []byte) (answer Response, ok bool) {
	if !bytes.Contains(line[:min(len(line), 64)], []byte(`"batch":{`)) {
		return Response{}, false
	}
	s := jsonscan.New(bytes.Clone(line))
	var batch *Batch
	fits := true
	s.Object(func(name []byte) {
		switch string(name) {
		case "id":
			answer.ID = s.Uint()
		case "batch":
			batch = &Batch{}
			s.Object(func(name []byte) {
				switch string(name) {
				case "events":
					batch.Events = []Item{}
					s.Array(func() { batch.Events = append(batch.Events, scanItem(s)) })
				case "next":
					batch.Next = eventcore.Position(s.Uint())
				case "head":
					batch.Head = eventcore.Position(s.Uint())
				case "more":
					batch.More = string(s.Value()) == "true"
				case "gap":
					batch.Gap = string(s.Value()) == "true"
				default:
					fits = false
				}
			})
		default:
			fits = false
		}
	})
	answer.Batch = batch
	return answer, s.OK() && fits
}

func scanItem(s *jsonscan.Scanner) (item Item) {
	s.Object(func(name []byte) {
		switch string(name) {
		case "position":
			item.Position = eventcore.Position(s.Uint())
		case "event":
			item.Event = s.Value()
		}
	})
	return item
}
