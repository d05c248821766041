package protocol

import (
	"encoding/json"
	"reflect"
	"testing"
)

// However a request is read, it is the same request.
func FuzzDecodeFetch(f *testing.F) {
	for _, req := range []Request{
		{ID: 7, Fetch: &Fetch{After: 12, Types: []string{"im.message.receive_v1"}, Max: 20, WaitMS: 15000}},
		{ID: 0, Fetch: &Fetch{Max: 1}},
		{ID: 1, Fetch: &Fetch{After: 1<<63 + 1, Types: []string{"a", "b"}, Max: 200, MaxBytes: 1 << 20}},
		{ID: 1, Fetch: &Fetch{Types: []string{`a"b`, "<é>"}, Max: -1, WaitMS: -1}},
		{ID: 1, Count: &Count{After: 3}},
	} {
		line, err := json.Marshal(req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(line))
	}
	for _, line := range []string{
		`{"id":01,"fetch":{"after":0,"max":1}}`, `{"id":1,"fetch":{"after":,"max":1}}`, `{"id":1,"fetch":{"after":1,"types":[],"max":1}}`,
		`{"id":1,"fetch":{"after":1,"max":1},"id":2}`, `{"id":1,"fetch":{"after":1,"max":99999999999999999999}}`, `{"id":1,"fetch":{"after":1,"types":["a"`, ``,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var quick, whole Request
		if !decodeFetch([]byte(line), &quick) {
			return
		}
		if err := json.Unmarshal([]byte(line), &whole); err != nil {
			t.Fatalf("%q was read, and is no request: %v", line, err)
		}
		if !reflect.DeepEqual(quick, whole) {
			t.Errorf("%q was read as %+v, is %+v", line, quick.Fetch, whole.Fetch)
		}
	})
}

func TestAFetchAsThisProgramWritesItIsReadWithoutPackageJSON(t *testing.T) {
	want := Request{ID: 7, Fetch: &Fetch{After: 12, Types: []string{"t.a", "t.b"}, Max: 20, MaxBytes: 5, WaitMS: 15000}}
	line, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Request
	if !decodeFetch(append(line, '\n'), &got) || !reflect.DeepEqual(got, want) {
		t.Errorf("%s was read as %+v", line, got)
	}
}
