package jsonscan

import (
	"bytes"
)

// Scanner walks along one JSON value. Each method but OK takes the value it stands at. One that meets something else than
// it expects returns the zero value, and so do all that follow, up to OK, which tells. Whatever the bytes are, nothing
// panics, and all ends. It is for one goroutine.
type Scanner struct {
	text []byte
	at   int
	bad  bool
}

// New returns a scanner at the beginning of text.
func New(text []byte) *Scanner { return &Scanner{text: text} }

// OK reports whether everything was as expected and nothing is left.
func (s *Scanner) OK() bool { return !s.bad && s.peek() == 0 }

// Object calls member with each name, which must take its value. The name is as it is written, without its quotes, and
// good until member returns; an escaped one is not undone.
func (s *Scanner) Object(member func(name []byte)) {
	if !s.take('{') {
		return
	}
	for first := true; !s.bad && !s.closed('}', first); first = false {
		name := s.quoted()
		if !s.take(':') {
			return
		}
		before := s.at
		member(name[1 : len(name)-1])
		s.bad = s.bad || s.at == before
	}
}

// Array calls element for each element, which it must take.
func (s *Scanner) Array(element func()) {
	if !s.take('[') {
		return
	}
	for first := true; !s.bad && !s.closed(']', first); first = false {
		before := s.at
		element()
		s.bad = s.bad || s.at == before
	}
}

// Value passes over any value and returns its bytes, a part of the text.
func (s *Scanner) Value() []byte {
	switch s.peek() {
	case '"':
		return s.quoted()
	case '{', '[':
		return s.composite()
	}
	// A number, true, false or null.
	end := s.at
	for end < len(s.text) && !endsLiteral(s.text[end]) {
		end++
	}
	return s.cut(end)
}

// Text returns a string's value.
func (s *Scanner) Text() string {
	quoted := s.quoted()
	if s.bad {
		return ""
	}
	text, ok := unquote(quoted)
	s.bad = !ok
	return text
}

// Is reports whether the value it stands at begins with c: a quote, a brace, a bracket, or the first character of another
// value. It takes nothing.
func (s *Scanner) Is(c byte) bool { return s.peek() == c }

// endsLiteral reports whether c cannot be in a number, true, false or null.
func endsLiteral(c byte) bool { return c == ',' || c == '}' || c == ']' || c <= ' ' }

// peek passes over white space and returns the byte behind it, 0 if there is none.
func (s *Scanner) peek() byte {
	for s.at < len(s.text) {
		if c := s.text[s.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		s.at++
	}
	return 0
}

// take passes over c and reports whether it was there.
func (s *Scanner) take(c byte) bool {
	if s.bad || s.peek() != c {
		s.bad = true
		return false
	}
	s.at++
	return true
}

// closed reports whether an object or array ends here, and passes over its end, or else over the comma before anything
// but its first member or element.
func (s *Scanner) closed(end byte, first bool) bool {
	if s.peek() == end {
		return s.take(end)
	}
	if !first {
		s.take(',')
	}
	return s.bad
}

// cut takes what lies before end.
func (s *Scanner) cut(end int) []byte {
	if s.bad || end <= s.at {
		s.bad = true
		return nil
	}
	value := s.text[s.at:end:end]
	s.at = end
	return value
}

// noString is what quoted returns if there is none.
var noString = []byte(`""`)

// quoted takes a string, and returns it with its quotes.
func (s *Scanner) quoted() []byte {
	if s.bad || s.peek() != '"' {
		s.bad = true
		return noString
	}
	end := stringEnd(s.text, s.at)
	if end == 0 {
		s.bad = true
		return noString
	}
	return s.cut(end)
}

// composite takes an object or array.
func (s *Scanner) composite() []byte {
	depth := 0
	for i := s.at; i < len(s.text); i++ {
		switch s.text[i] {
		case '"':
			end := stringEnd(s.text, i)
			if end == 0 {
				s.bad = true
				return nil
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return s.cut(i + 1)
			}
		}
	}
	s.bad = true
	return nil
}

// stringEnd returns where the string that begins at the index begin ends, quotes included; 0 if it does not.
func stringEnd(text []byte, begin int) int {
	for i := begin + 1; ; {
		quote := bytes.IndexByte(text[i:], '"')
		if quote < 0 {
			return 0
		}
		i += quote + 1
		escapes := 0
		for j := i - 2; j > begin && text[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}
