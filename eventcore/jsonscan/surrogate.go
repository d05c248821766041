package jsonscan

import (
	"bytes"
	"unicode/utf16"
)

// escaped is the length of an escape of one UTF-16 code unit, such as \u00e9.
const escaped = 6

// ReplaceSurrogates returns valid JSON with each escape of half a character (\ud83d without the other half) replaced by
// \ufffd, which is what encoding/json reads it as: other decoders refuse the whole text for it. Text without any is
// returned as it is.
func ReplaceSurrogates(text []byte) []byte {
	var out []byte
	done := 0
	for at := 0; ; {
		next := bytes.IndexByte(text[at:], '\\')
		if next < 0 {
			break
		}
		at += next
		if at+1 < len(text) && text[at+1] != 'u' {
			at += 2
			continue
		}
		size, ok := character(text[at:])
		if !ok {
			out = append(append(out, text[done:at]...), `\ufffd`...)
			done = at + size
		}
		at += size
	}
	if done == 0 {
		return text
	}
	return append(out, text[done:]...)
}

// character looks at the escape of a code unit that text begins with. If it is a character, alone or with a second one, ok
// is true. Size is what is to be taken of text, at least 1.
func character(text []byte) (size int, ok bool) {
	first, ok := unit(text)
	switch {
	case !ok:
		return 1, false
	case !utf16.IsSurrogate(first):
		return escaped, true
	}
	if second, ok := unit(text[escaped:]); ok && utf16.DecodeRune(first, second) != '\uFFFD' {
		return 2 * escaped, true
	}
	return escaped, false
}

// unit reads an escape of a code unit.
func unit(text []byte) (value rune, ok bool) {
	if len(text) < escaped || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, digit := range text[2:escaped] {
		switch {
		case isDigit(digit):
			value = value<<4 | rune(digit-'0')
		case digit|0x20 >= 'a' && digit|0x20 <= 'f':
			value = value<<4 | rune(digit|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return value, true
}
