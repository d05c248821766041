package protocol

import (
	"bytes"
	"strconv"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// decodeFetch reads a request that is a fetch exactly as this program writes one. ok is false for anything else, which is
// left to package json: a fetch is what nearly all requests are, and that takes longer than answering it.
func decodeFetch(line []byte, req *Request) (ok bool) {
	in := scanner{rest: bytes.TrimSuffix(line, []byte("\n")), good: true}
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
	if !in.good || len(in.rest) > 0 {
		return false
	}
	*req = Request{ID: id, Fetch: &f}
	return true
}

// scanner reads a text from its front; good is false once that was not what it should be.
type scanner struct {
	rest []byte
	good bool
}

// has takes what is next, if it is this.
func (s *scanner) has(text string) bool {
	if !s.good || !bytes.HasPrefix(s.rest, []byte(text)) {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

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
