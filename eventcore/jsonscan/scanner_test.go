package jsonscan

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// decoded is text as the scanner reads it, in the shape of encoding/json with numbers as their text.
func decoded(s *Scanner) any {
	switch {
	case s.Is('{'):
		object := map[string]any{}
		s.Object(func(name []byte) {
			key := string(name)
			object[key] = decoded(s)
		})
		return object
	case s.Is('['):
		array := []any{}
		s.Array(func() { array = append(array, decoded(s)) })
		return array
	case s.Is('"'):
		return s.Text()
	}
	switch value := string(s.Value()); value {
	case "true", "false":
		return value == "true"
	case "null":
		return nil
	default:
		return json.Number(value)
	}
}

func TestScannerReadsWhatEncodingJSONDoes(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `-1.5e3`, `true`, `null`, ` { "a" : [ 1 , "b" , { } , [ ] ] , "c" : null } `,
		`{"a":"\\","b":"\"","c":"\\\"}{","d":"é\u00e9\n","e":"\"\\\/\b\f\n\r\t é"}`, "\t[\r\n1\n,\n2 ]", `{"a":{"b":{"c":["x",{"d":false}]}},"e":"]"}`,
	} {
		decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		s := New([]byte(text))
		if got := decoded(s); !reflect.DeepEqual(got, want) || !s.OK() {
			t.Errorf("%s: got %v, ok %t, want %v", text, got, s.OK(), want)
		}
		s = New([]byte(text))
		if got := s.Value(); string(got) != string(bytes.TrimSpace([]byte(text))) || !s.OK() {
			t.Errorf("%s: passed over %s, ok %t", text, got, s.OK())
		}
	}
}

// Strings are looked at eight bytes at once.
func TestTextReadsAnyByteAtAnyPlace(t *testing.T) {
	for b := range 256 {
		for at := range 18 {
			inner := []byte("abcdefgh ~{[]}!z#$")
			inner[at] = byte(b)
			quoted := append(append([]byte{'"'}, inner...), '"')
			var want string
			err := json.Unmarshal(quoted, &want)
			s := New(quoted)
			if got := s.Text(); s.OK() != (err == nil) || s.OK() && got != want {
				t.Errorf("%q: got %q, ok %t, want %q, %v", quoted, got, s.OK(), want, err)
			}
		}
	}
}

func TestScannerTellsWhenItCannotReadOn(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `[`, `"`, `"\`, `"\"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{a:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `[1`, `[1,`, `[1 2]`,
		`[1}`, `{} {}`, `1 2`, `,`, `}`, `]`, `[,]`, `{"a":"\x"}`, "\"\xff\n\"",
	} {
		s := New([]byte(text))
		if got := decoded(s); s.OK() {
			t.Errorf("%s: read as %v", text, got)
		}
	}
	s := New([]byte(`{"a":1,"b":2}`))
	s.Object(func([]byte) {}) // takes no value
	if s.OK() {
		t.Error("a value that was not taken was passed over")
	}
}

func TestAppendStringEscapesWhatItMust(t *testing.T) {
	for _, text := range []string{"", "plain", "<&>", `"quoted\"`, "é\n\x00\u2028", "\xff"} {
		var got string
		encoded := AppendString([]byte("x"), text)
		if err := json.Unmarshal(encoded[1:], &got); err != nil || got != string(bytes.ToValidUTF8([]byte(text), []byte("\uFFFD"))) {
			t.Errorf("%q is written %s (%v)", text, encoded, err)
		}
		if bytes.Contains(encoded, []byte(`\u003c`)) {
			t.Errorf("%q is written %s", text, encoded)
		}
	}
}

// Valid JSON is read as encoding/json reads it; on anything else the scanner ends.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"a":[1,"b",{"c":null}],"d":"\"\\"}`))
	f.Add([]byte(`[{"a":`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := New(text)
		s.Value()
		passed := s.OK()
		valid := json.Valid(text)
		if valid && !passed {
			t.Errorf("%q was not passed over", text)
		}
		s = New(text)
		decoded(s)
		if valid && !s.OK() {
			t.Errorf("%q was not read", text)
		}
	})
}
