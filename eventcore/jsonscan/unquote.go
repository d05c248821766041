package jsonscan

import (
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// unquote returns the value of a JSON string.
func unquote(quoted []byte) (string, bool) {
	inner := quoted[1 : len(quoted)-1]
	if isPlain(inner) {
		return string(inner), true
	}
	escaped, ascii := false, true
	for _, c := range inner {
		if c < ' ' {
			return "", false
		}
		escaped = escaped || c == '\\'
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii || utf8.Valid(inner) {
		if !escaped {
			return string(inner), true
		}
		if text, ok := unescape(inner); ok {
			return string(text), true
		}
	}
	var text string
	err := json.Unmarshal(quoted, &text)
	return text, err == nil
}

// isPlain reports whether text is ASCII without control characters and backslashes, as nearly all strings are. It looks at
// eight bytes at once.
func isPlain(text []byte) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		word := binary.LittleEndian.Uint64(text)
		noBackslash := word ^ '\\'*each
		if (word|(word-' '*each)|(noBackslash-each))&high != 0 { // a byte that is less borrows from its highest bit
			return false
		}
	}
	for _, c := range text {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// short are the escapes of one character.
var short = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape undoes short escapes, and reports false if there are others.
func unescape(inner []byte) ([]byte, bool) {
	text := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c == '\\' {
			i++ // a string does not end in the middle of an escape
			if c = short[inner[i]]; c == 0 {
				return nil, false
			}
		}
		text = append(text, c)
	}
	return text, true
}
