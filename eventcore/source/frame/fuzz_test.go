package frame

import (
	"bytes"
	"reflect"
	"testing"
)

// FuzzUnmarshal: whatever arrives, nothing panics, what is kept is bounded by what came, and what was read is written
// and read again as the same.
func FuzzUnmarshal(f *testing.F) {
	for _, message := range encoded(f) {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		var first Frame
		if first.Unmarshal(message) != nil {
			return
		}
		kept := len(first.PayloadEncoding) + len(first.PayloadType) + len(first.Payload) + len(first.LogIDNew)
		for _, header := range first.Headers {
			kept += len(header.Key) + len(header.Value)
		}
		if kept > len(message) || len(first.Headers) > maxHeaders {
			t.Errorf("%d bytes and %d headers are kept of a message of %d bytes", kept, len(first.Headers), len(message))
		}
		encoded := first.Marshal()
		if len(encoded) != first.Size() {
			t.Errorf("%d bytes, and the size is said to be %d", len(encoded), first.Size())
		}
		var second Frame
		if err := second.Unmarshal(encoded); err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if !reflect.DeepEqual(first, second) || !bytes.Equal(second.Marshal(), encoded) {
			t.Errorf("%+v came back as %+v", first, second)
		}
	})
}
