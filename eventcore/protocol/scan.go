package protocol

import (
	"bytes"
	"strconv"

	"github.com/larkevents/lark-events-mcp/eventcore/jsonscan"
)

// scanner reads a text from its front; good is false once that was not what it should be.
type scanner struct {
	rest []byte
	good bool
}

func scanLine(line []byte) *scanner {
	return &scanner{rest: bytes.TrimSuffix(line, []byte("\n")), good: true}
}

// finished reports whether all was as it should be, to the end.
func (s *scanner) finished() bool { return s.good && len(s.rest) == 0 }

// has takes what is next, if it is this.
func (s *scanner) has(text string) bool {
	if !s.good || !bytes.HasPrefix(s.rest, []byte(text)) {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

// skip takes what must be next.
func (s *scanner) skip(text string) { s.good = s.has(text) }

// number takes a number of at most so many digits: 18 fit 64 bits, 9 an int anywhere.
func (s *scanner) number(digits int) uint64 {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	value, err := strconv.ParseUint(string(s.rest[:n]), 10, 64)
	s.good = s.good && err == nil && n <= digits && (n == 1 || s.rest[0] != '0')
	s.rest = s.rest[n:]
	return value
}

// name takes the rest of a string that needs no decoding, and its end.
func (s *scanner) name() string {
	for n, c := range s.rest {
		switch {
		case c == '"':
			name := string(s.rest[:n])
			s.rest = s.rest[n+1:]
			return name
		case c < ' ' || c > '~' || c == '\\':
			s.good = false
			return ""
		}
	}
	s.good = false
	return ""
}

// object takes a JSON object. Of what is in it, it looks at strings and brackets only.
func (s *scanner) object() []byte {
	if !s.good || len(s.rest) == 0 || s.rest[0] != '{' {
		s.good = false
		return nil
	}
	object := jsonscan.New(s.rest).Value()
	s.rest = s.rest[len(object):]
	s.good = bytes.HasSuffix(object, []byte("}"))
	return object
}
