package mcp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLineBytes bounds one message from a client.
const maxLineBytes = 4 << 20

// errLineTooLong is returned for a line that was skipped.
var errLineTooLong = errors.New("the line is too long")

// lineReader reads lines of bounded length.
type lineReader struct {
	r     *bufio.Reader
	limit int
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 32<<10), limit: limit}
}

// next returns the next line that is not blank, without its end. A longer line than the limit is read to its end,
// and thrown away, and answered with errLineTooLong; reading can go on. Any other error is final, io.EOF at the
// end of the input; a last line without a line break is returned first.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.one()
		if err != nil && (errors.Is(err, errLineTooLong) || len(line) == 0) {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *lineReader) one() ([]byte, error) {
	var line []byte
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > l.limit; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case tooLong && err == nil:
			return nil, errLineTooLong
		case tooLong:
			return nil, errors.Join(errLineTooLong, err)
		}
		return line, err
	}
}
