package frame

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/quick"

	"google.golang.org/protobuf/encoding/protowire"
)

// build puts a message together from fields.
func build(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func varint(number protowire.Number, v uint64) []byte { return appendNumber(nil, number, v) }

func text(number protowire.Number, s string) []byte { return appendString(nil, number, s) }

func header(parts ...[]byte) []byte { return text(headers, string(build(parts...))) }

func TestAnyFrameComesBackAsItWas(t *testing.T) {
	same := func(f Frame) bool {
		if len(f.Headers) == 0 {
			f.Headers = nil
		}
		encoded := f.Marshal()
		var got Frame
		err := got.Unmarshal(encoded)
		return err == nil && len(encoded) == f.Size() && reflect.DeepEqual(got, f)
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

func TestWhatProtobufAllowsIsRead(t *testing.T) {
	data := varint(method, 1)
	cases := []struct {
		name    string
		message []byte
		want    Frame
	}{
		{"the method only", data, Frame{Method: 1}},
		{"another order", build(text(payload, "p"), data, varint(seqID, 7)), Frame{SeqID: 7, Method: 1, Payload: []byte("p")}},
		{"unknown fields", build(
			varint(10, 1), data, text(1000, "x"), protowire.AppendFixed32(protowire.AppendTag(nil, 11, protowire.Fixed32Type), 1),
			protowire.AppendFixed64(protowire.AppendTag(nil, 12, protowire.Fixed64Type), 1),
			protowire.AppendGroup(protowire.AppendTag(nil, 13, protowire.StartGroupType), 13, varint(method, 9)),
			header(text(headerKey, "k"), varint(3, 1), text(headerValue, "v")),
		), Frame{Method: 1, Headers: Headers{{"k", "v"}}}},
		{"the last of many", build(
			varint(seqID, 1), varint(seqID, 2), varint(method, 0), data, text(payload, "one"), text(payload, ""),
			text(logIDNew, "a"), text(logIDNew, "b"), header(text(headerKey, "x"), text(headerKey, "y")),
		), Frame{SeqID: 2, Method: 1, Payload: []byte{}, LogIDNew: "b", Headers: Headers{{"y", ""}}}},
		{"an empty header", build(data, header()), Frame{Method: 1, Headers: Headers{{}}}},
		{"text that is no UTF-8", build(data, text(payloadType, "\xff")), Frame{Method: 1, PayloadType: "\xff"}},
		{"a number of more than 32 bits", varint(method, 5<<32|1), Frame{Method: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got Frame
			if err := got.Unmarshal(c.message); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v (%v), want %+v", got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoFrameIsRefusedByField(t *testing.T) {
	data := varint(method, 1)
	tag := func(number protowire.Number, kind protowire.Type) []byte {
		return protowire.AppendTag(nil, number, kind)
	}
	endless := bytes.Repeat([]byte{0xff}, 11)
	huge := protowire.AppendVarint(nil, 1<<63)
	cases := []struct {
		name    string
		message []byte
		says    string
	}{
		{"nothing", nil, "field method is missing"},
		{"all but the method", build(varint(seqID, 1), varint(logID, 1), varint(service, 1)), "field method is missing"},
		{"a number as bytes", build(data, text(logID, "x")), "field LogID has wire type 2, want 0"},
		{"bytes as a number", build(data, varint(payload, 1)), "field payload has wire type 0, want 2"},
		{"the end of a group that never began", build(data, tag(service, protowire.EndGroupType)), "field service has wire type 4"},
		{"a number cut off", build(data, tag(seqID, protowire.VarintType), []byte{0x80}), "field SeqID: unexpected EOF"},
		{"a number without end", build(data, tag(seqID, protowire.VarintType), endless), "field SeqID: "},
		{"a payload cut off", build(data, text(payload, "four"))[:6], "field payload: unexpected EOF"},
		{"a huge length", build(data, tag(payload, protowire.BytesType), huge), "field payload: unexpected EOF"},
		{"a length without end", build(data, tag(logIDNew, protowire.BytesType), endless), "field LogIDNew: "},
		{"a header cut off", build(data, text(headers, string(text(headerValue, "four")[:3]))), "field headers: field value: unexpected EOF"},
		{"a header's number as bytes", build(data, header(varint(headerKey, 1))), "field headers: field key has wire type 0, want 2"},
		{"too many headers", build(data, bytes.Repeat(header(), maxHeaders+1)), "field headers: there are more than the 256"},
		{"an unknown field cut off", build(data, tag(99, protowire.BytesType), []byte{5}), "unknown field 99: unexpected EOF"},
		{"an unknown group without end", build(data, tag(99, protowire.StartGroupType)), "unknown field 99: unexpected EOF"},
		{"a wire type that is none", build(data, tag(99, 7)), "unknown field 99: "},
		{"the field number 0", build(data, []byte{0, 0}), "a field without a readable number"},
		{"half a field number", build(data, []byte{0x80}), "a field without a readable number: unexpected EOF"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Frame{SeqID: 5}
			err := got.Unmarshal(c.message)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if strings.Contains(c.says, "unexpected EOF") && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v does not wrap io.ErrUnexpectedEOF", err)
			}
			if !reflect.DeepEqual(got, Frame{SeqID: 5}) {
				t.Errorf("the frame was changed to %+v", got)
			}
		})
	}
}

func TestOnlyThePayloadIsPartOfTheMessage(t *testing.T) {
	message := encoded(t)["card, second chunk of three"]
	whole := bytes.Clone(message)
	var got, want Frame
	if err := errors.Join(got.Unmarshal(message), want.Unmarshal(bytes.Clone(message))); err != nil {
		t.Fatal(err)
	}
	_ = append(got.Payload, "more"...)
	if !bytes.Equal(message, whole) {
		t.Error("an append to the payload reached the rest of the message")
	}
	clear(message)
	if bytes.Equal(got.Payload, want.Payload) {
		t.Error("the payload was copied")
	}
	got.Payload = want.Payload
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the frame changed with the message: %+v", got)
	}
}

func TestHeadersAreFoundByKey(t *testing.T) {
	h := Headers{{"a", "x"}, {"a", "7"}, {"a", "8"}, {"b", "-3"}, {"c", "99999999999999999999"}}
	if h.Get("a") != "x" || h.Get("b") != "-3" || h.Get("d") != "" {
		t.Errorf("a is %q, b is %q, d is %q, want the first of each and nothing", h.Get("a"), h.Get("b"), h.Get("d"))
	}
	if h.Int("a") != 7 || h.Int("b") != -3 || h.Int("c") != 0 || h.Int("d") != 0 {
		t.Errorf("a is %d, b is %d, c is %d, d is %d, want 7, -3, 0, 0", h.Int("a"), h.Int("b"), h.Int("c"), h.Int("d"))
	}
}

// TestAFrameCostsLittle: an event is decoded with one allocation for the headers and one for each of the three texts
// that differ from frame to frame, and encoded with none.
func TestAFrameCostsLittle(t *testing.T) {
	message := encoded(t)["event"]
	var f Frame
	if n := testing.AllocsPerRun(100, func() { _ = f.Unmarshal(message) }); n > 4 {
		t.Errorf("decoding allocates %v times, want at most 4", n)
	}
	buffer := make([]byte, 0, f.Size())
	if n := testing.AllocsPerRun(100, func() { f.Append(buffer) }); n > 0 {
		t.Errorf("encoding into a buffer allocates %v times, want none", n)
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	message := encoded(b)["event"]
	b.ReportAllocs()
	var f Frame
	for b.Loop() {
		if err := f.Unmarshal(message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	var f Frame
	if err := f.Unmarshal(encoded(b)["answer"]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var buffer []byte
	for b.Loop() {
		buffer = f.Append(buffer[:0])
	}
}
