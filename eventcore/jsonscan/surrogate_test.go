package jsonscan

import (
	"bytes"
	"encoding/json"
	"testing"
)

var surrogates = map[string]string{
	`"\ud83d\ude00"`: `"\ud83d\ude00"`, `"\uD83D\uDE00x"`: `"\uD83D\uDE00x"`, `"\u00e9"`: `"\u00e9"`, `""`: `""`, `"a"`: `"a"`,
	`"\ud83d"`: `"\ufffd"`, `"\ude00\ud83d"`: `"\ufffd\ufffd"`, `"\ud83dx\ude00"`: `"\ufffdx\ufffd"`, `"\ud83d\ud83d\ude00"`: `"\ufffd\ud83d\ude00"`,
	`"\ud83d\n"`: `"\ufffd\n"`, `"\ud83d\u0041"`: `"\ufffd\u0041"`,
	`"\\ud83d"`: `"\\ud83d"`, `"\\\ud83d"`: `"\\\ufffd"`, `{"\udfff":["\uDBFF\\",1]}`: `{"\ufffd":["\ufffd\\",1]}`,
}

func TestHalvesOfCharactersAreReplaced(t *testing.T) {
	for text, want := range surrogates {
		if got := string(ReplaceSurrogates([]byte(text))); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
		if got := IsCompact([]byte(text), 10); got != (text == want) {
			t.Errorf("%s: IsCompact is %t", text, got)
		}
	}
}

// What encoding/json reads is the same before and after, and nothing is left to replace.
func FuzzReplaceSurrogates(f *testing.F) {
	for text := range surrogates {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		replaced := ReplaceSurrogates(bytes.Clone(text))
		var before, after any
		if json.Unmarshal(text, &before) != nil {
			return
		}
		if err := json.Unmarshal(replaced, &after); err != nil {
			t.Fatalf("%q becomes %q: %v", text, replaced, err)
		}
		if a, b := encode(t, before), encode(t, after); !bytes.Equal(a, b) {
			t.Errorf("%q becomes %q: %s, want %s", text, replaced, b, a)
		}
		if again := ReplaceSurrogates(bytes.Clone(replaced)); !bytes.Equal(again, replaced) {
			t.Errorf("%q becomes %q, and that %q", text, replaced, again)
		}
	})
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
