package protocol

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/jsonscan"
)

// ErrLineTooLong is returned for a line that exceeds the limit of its reader.
var ErrLineTooLong = errors.New("line too long")

// Reader reads one JSON value a line. It is for one goroutine.
type Reader struct {
	in    *bufio.Reader
	limit int
	line  []byte
}

// NewReader returns a reader of lines of at most limit bytes.
func NewReader(in io.Reader, limit int) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, 32<<10), limit: limit}
}

// Read decodes the next line into message. It returns io.EOF at the end of the input, an error wrapping
// [ErrLineTooLong] when the line exceeds the limit, and a decoding error when it is no such message; after the
// last two the connection is of no use any more. Raw messages in the result are the caller's to keep.
func (r *Reader) Read(message any) error {
	line, err := r.next()
	if err != nil {
		return err
	}
	switch message := message.(type) {
	case *Request:
		if decodeFetch(line, message) {
			return nil
		}
	case *Response:
		if decodeBatch(line, message) {
			return nil
		}
	}
	if err := json.Unmarshal(line, message); err != nil {
		return fmt.Errorf("decode a line of %d bytes: %w", len(line), err)
	}
	return nil
}

// next returns the next line; it stays valid until the next call.
func (r *Reader) next() ([]byte, error) {
	r.line = r.line[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.line)+len(part) > r.limit {
			return nil, fmt.Errorf("%w: over %d bytes", ErrLineTooLong, r.limit)
		}
		r.line = append(r.line, part...)
		switch {
		case err == nil:
			line := r.line
			if cap(r.line) > 1<<20 {
				r.line = nil // a rare huge line must not stay allocated
			}
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(r.line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// maxCopied is how large an answer may be, in bytes, to be put together in memory before it is written. Longer ones are
// written from where their parts are: in memory of its own for each of many connections it would cost more than that.
const maxCopied = 16 << 10

// Writer writes one JSON value a line. It may be used from many goroutines at once; a line is written whole.
type Writer struct {
	mu    sync.Mutex
	out   io.Writer
	buf   []byte
	parts net.Buffers
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Write encodes message as one line. It blocks for as long as the other side does not read.
func (w *Writer) Write(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.out.Write(append(line, '\n'))
	return err
}

// WriteBatch writes the answer to a fetch from items that are encoded already (see [AppendItem]), so that an event
// is encoded once however many consumers it goes to. Items that lie one behind the other in memory may be given as one.
// batch.Events is not looked at.
func (w *Writer) WriteBatch(id uint64, batch Batch, items [][]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := 0
	for _, item := range items {
		size += len(item)
	}
	head := append(strconv.AppendUint(append(w.buf[:0], `{"id":`...), id, 10), `,"batch":{"events":[`...)
	if _, vectored := w.out.(*net.UnixConn); vectored && size > maxCopied {
		split := len(head)
		w.buf = appendTail(head, &batch)
		return w.writeParts(w.buf[:split], items, w.buf[split:])
	}
	for i, item := range items {
		if i == 0 {
			item = item[1:]
		}
		head = append(head, item...)
	}
	line := appendTail(head, &batch)
	if w.buf = line; cap(line) > 1<<20 {
		w.buf = nil
	}
	_, err := w.out.Write(line)
	return err
}

// writeParts writes the parts of one line. w.mu must be held.
func (w *Writer) writeParts(head []byte, items [][]byte, tail []byte) error {
	parts := append(append(w.parts[:0], head, items[0][1:]), items[1:]...)
	parts = append(parts, tail)
	w.parts = parts
	_, err := parts.WriteTo(w.out) // it moves parts on, and w.parts stays
	clear(w.parts)
	return err
}

// appendTail appends what follows the events of a batch.
func appendTail(dst []byte, batch *Batch) []byte {
	dst = strconv.AppendUint(append(dst, `],"next":`...), uint64(batch.Next), 10)
	dst = strconv.AppendUint(append(dst, `,"head":`...), uint64(batch.Head), 10)
	if batch.More {
		dst = append(dst, `,"more":true`...)
	}
	if batch.Gap {
		dst = append(dst, `,"gap":true`...)
	}
	return append(dst, "}}\n"...)
}

// AppendEvent appends the encoding of an event, as it is kept and sent. It costs next to nothing beyond copying the
// payload, which must be JSON without line breaks, in UTF-8, as source.ParseEnvelope leaves it. The payload stays as it
// is: json.Marshal would write each <, > and & in six bytes, and so turn a large event into one that no line has room
// for.
func AppendEvent(dst []byte, event *eventcore.RawEvent) []byte {
	dst = jsonscan.AppendString(append(dst, `{"event_id":`...), event.EventID)
	dst = jsonscan.AppendString(append(dst, `,"event_type":`...), event.EventType)
	if event.SourceTime != "" {
		dst = jsonscan.AppendString(append(dst, `,"source_time":`...), event.SourceTime)
	}
	dst = append(append(dst, `,"payload":`...), event.Payload...)
	dst = append(dst, `,"timestamp":"`...)
	dst = event.Timestamp.AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `"}`...)
}

// AppendItem appends the encoding of an [Item] whose event is encoded already, behind the comma that separates it from
// the one before; see [Writer.WriteBatch].
func AppendItem(dst []byte, position eventcore.Position, event []byte) []byte {
	dst = append(dst, `,{"position":`...)
	dst = strconv.AppendUint(dst, uint64(position), 10)
	dst = append(dst, `,"event":`...)
	dst = append(dst, event...)
	return append(dst, '}')
}
