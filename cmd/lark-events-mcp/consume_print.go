package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/jq"
	"github.com/larkevents/lark-events-mcp/eventcore/jsonscan"
)

// errEnough ends consume after --max-events.
var errEnough = errors.New("enough events")

// printBuffer is how many bytes of lines are gathered before they are written.
const printBuffer = 64 << 10

// maxNesting is how deeply data may nest to be looked at the fast way.
const maxNesting = 1000

// eventPrinter prints events as lines.
type eventPrinter struct {
	out   io.Writer
	jq    *consume.Filter // nil prints events whole
	left  int             // 0: no end
	lines bytes.Buffer
}

// print prints the events of a page, and returns errEnough after the last one that is wanted. It begins none once ctx has
// ended. Lines are written together, but none waits for an expression to run on the next event.
func (p *eventPrinter) print(ctx context.Context, events []consume.Event) error {
	for i := range events {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		before := p.lines.Len()
		if err := p.appendEvent(ctx, &events[i]); err != nil {
			return err
		}
		printed := p.lines.Len() > before
		enough := printed && p.left == 1
		if printed && p.left > 1 {
			p.left--
		}
		if last := i == len(events)-1; last || enough || p.jq != nil || p.lines.Len() >= printBuffer {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
		if enough {
			return errEnough
		}
	}
	return nil
}

func (p *eventPrinter) flush(ctx context.Context) error {
	if p.lines.Len() == 0 {
		return nil
	}
	if err := writeUntil(ctx, p.out, p.lines.Bytes()); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	p.lines.Reset()
	return nil
}

// appendEvent appends the lines of one event: itself, or what jq makes of it, which may be nothing.
func (p *eventPrinter) appendEvent(ctx context.Context, e *consume.Event) error {
	if p.jq == nil || e.Err != nil {
		return p.appendWhole(e, e.Err)
	}
	before := p.lines.Len()
	var encodeErr error
	err := p.jq.Outputs(ctx, e.Data, func(output jq.Output) bool {
		switch {
		case !output.True:
		case string(output.JSON) == "true":
			encodeErr = p.appendWhole(e, nil)
		default:
			p.lines.Write(output.JSON)
			p.lines.WriteByte('\n')
		}
		return encodeErr == nil
	})
	switch {
	case ctx.Err() != nil:
		p.lines.Truncate(before)
		return ctx.Err() // which is no fault of the expression
	case encodeErr != nil:
		return fmt.Errorf("encode event %s: %w", e.EventID, encodeErr)
	case err != nil:
		p.lines.Truncate(before)
		failure := &eventcore.Error{Code: eventcore.CodeInvalidFilter, Message: "--jq failed on this event: " + err.Error()}
		if errors.Is(err, jq.ErrStart) {
			failure.Code = eventcore.CodeInternal // which is no fault of the expression either
		}
		return p.appendWhole(e, failure)
	}
	return nil
}

// appendWhole appends an event as one line.
func (p *eventPrinter) appendWhole(e *consume.Event, failure *eventcore.Error) error {
	line := p.lines.AvailableBuffer()
	line = jsonscan.AppendString(append(line, `{"event_id":`...), e.EventID)
	line = jsonscan.AppendString(append(line, `,"key":`...), e.Subscription.Key.Key)
	line = jsonscan.AppendString(append(line, `,"event_type":`...), e.EventType)
	line = append(e.Time.AppendFormat(append(line, `,"time":"`...), time.RFC3339Nano), '"')
	line = jsonscan.AppendString(append(line, `,"cursor":`...), e.Cursor.String())
	line = append(line, `,"data":`...)
	if jsonscan.IsCompact(e.Data, maxNesting) {
		p.lines.Write(append(line, e.Data...))
	} else { // as a key's Process may have made it
		p.lines.Write(line)
		if err := json.Compact(&p.lines, e.Data); err != nil {
			return fmt.Errorf("encode event %s: %w", e.EventID, err)
		}
	}
	if failure != nil {
		p.lines.WriteString(`,"error":`)
		encoder := json.NewEncoder(&p.lines)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(failure); err != nil {
			return fmt.Errorf("encode the error of event %s: %w", e.EventID, err)
		}
		p.lines.Truncate(p.lines.Len() - 1) // the line break
	}
	p.lines.WriteString("}\n")
	return nil
}
