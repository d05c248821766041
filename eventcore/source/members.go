package source

import (
	"bytes"
	"encoding/json"
	"iter"
)

// members yields the members of a JSON object, names and values as their bytes, without looking into the values. The
// object must be valid and without white space between its tokens, as json.Compact leaves it.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for rest := object[1:]; rest[0] != '}'; {
			var name []byte
			name, rest = nextName(rest)
			value := rest[:valueEnd(rest)]
			rest = rest[len(value):]
			if !yield(name, value) {
				return
			}
		}
	}
}

// nextName returns the next name of an object, of which rest is what follows the brace or a member, and what follows the
// colon.
func nextName(rest []byte) (name, value []byte) {
	if rest[0] == ',' {
		rest = rest[1:]
	}
	name = rest[:stringEnd(rest)]
	return name, rest[len(name)+1:]
}

// valueEnd returns the length of the value that text begins with.
func valueEnd(text []byte) int {
	switch text[0] {
	case '"':
		return stringEnd(text)
	case '{', '[':
		return compositeEnd(text)
	}
	return bytes.IndexAny(text, ",}]") // a number, true, false or null
}

// compositeEnd returns the length of the object or array that text begins with.
func compositeEnd(text []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// nestsDeeper reports whether valid JSON has objects and arrays in each other beyond the limit.
func nestsDeeper(text []byte, limit int) bool {
	// Counting is much faster than walking, and settles it for almost every event.
	if bytes.Count(text, []byte{'{'})+bytes.Count(text, []byte{'['}) <= limit {
		return false
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// stringEnd returns the length of the string that text begins with, quotes included.
func stringEnd(text []byte) int {
	for i := 1; ; i++ {
		i += bytes.IndexByte(text[i:], '"')
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// unquote returns the value of a valid JSON string.
func unquote(quoted []byte) string {
	if inner := quoted[1 : len(quoted)-1]; isPlain(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is valid
	return s
}

// isPlain reports whether a string's bytes are its value: nothing is escaped, and nothing is replaced in decoding.
func isPlain(inner []byte) bool {
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
