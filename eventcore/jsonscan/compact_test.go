package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// isCompact is what IsCompact tells, by the standard library.
func isCompact(text []byte) bool {
	var compact bytes.Buffer
	return utf8.Valid(text) && json.Compact(&compact, text) == nil && bytes.Equal(compact.Bytes(), text) &&
		bytes.Equal(ReplaceSurrogates(text), text)
}

// values are JSON, and what is nearly JSON.
var values = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `10`, `1.5`, `1e5`, `1E+5`, `-1.25e-7`, `true`, `false`, `null`, `{"a":1,"b":[1,{"c":""}]}`,
	`"\"\\\/\b\f\n\r\t\u00e9\uD83d"`, `"é\u007f"`, "\"\x7f\"", `[[[]]]`, `[1,2]`, `{"":""}`,
	``, `-`, `01`, `1.`, `.5`, `1e`, `1e+`, `+1`, `tru`, `nul`, `truee`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`,
	`{"a":1 }`, ` 1`, `1 `, "[1,\n2]", `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\t\"", "\"\xff\"", `[`, `]`, `{`, `}`, `[}`, `{]`, `"a""b"`, `1,2`, "\x00",
}

func TestIsCompactTellsAsTheStandardLibraryDoes(t *testing.T) {
	for _, text := range values {
		if got, want := IsCompact([]byte(text), 10), isCompact([]byte(text)); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
	for depth, want := range map[int]bool{2: false, 3: true, 4: true} {
		if got := IsCompact([]byte(`[[],{"a":[1]},[]]`), depth); got != want {
			t.Errorf("at a depth of %d: %t, want %t", depth, got, want)
		}
	}
	if IsCompact([]byte(strings.Repeat("[", 1_000_000)), 1000) {
		t.Error("a million brackets were accepted")
	}
}

func FuzzIsCompact(f *testing.F) {
	for _, text := range values {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := IsCompact(text, 10_000), isCompact(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	})
}

func BenchmarkIsCompact(b *testing.B) {
	text := []byte(`{"schema":"2.0","event":{"message":{"content":"{\"text\":\"` + strings.Repeat("x", 200) + `\"}","n":[1,2,3]}}}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if !IsCompact(text, 1000) {
			b.Fatal("it is")
		}
	}
}
