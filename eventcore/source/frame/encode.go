package frame

import "google.golang.org/protobuf/encoding/protowire"

// Marshal returns f encoded as the SDK encodes it: every field in the order of its number, also those that are zero or
// empty, but for a nil payload.
func (f *Frame) Marshal() []byte { return f.Append(make([]byte, 0, f.Size())) }

// Size is the number of bytes that [Frame.Append] appends.
func (f *Frame) Size() int {
	size := sizeNumber(f.SeqID) + sizeNumber(f.LogID) + sizeNumber(uint64(f.Service)) + sizeNumber(uint64(f.Method))
	for _, header := range f.Headers {
		size += sizeBytes(header.size())
	}
	if f.Payload != nil {
		size += sizeBytes(len(f.Payload))
	}
	return size + sizeBytes(len(f.PayloadEncoding)) + sizeBytes(len(f.PayloadType)) + sizeBytes(len(f.LogIDNew))
}

// Append appends f, encoded as by [Frame.Marshal], to the buffer and returns it.
func (f *Frame) Append(to []byte) []byte {
	to = appendNumber(to, seqID, f.SeqID)
	to = appendNumber(to, logID, f.LogID)
	to = appendNumber(to, service, uint64(f.Service)) // a negative one is ten bytes, as protobuf has it
	to = appendNumber(to, method, uint64(f.Method))
	for _, header := range f.Headers {
		to = protowire.AppendTag(to, headers, protowire.BytesType)
		to = protowire.AppendVarint(to, uint64(header.size()))
		to = appendString(to, headerKey, header.Key)
		to = appendString(to, headerValue, header.Value)
	}
	to = appendString(to, payloadEncoding, f.PayloadEncoding)
	to = appendString(to, payloadType, f.PayloadType)
	if f.Payload != nil {
		to = protowire.AppendBytes(protowire.AppendTag(to, payload, protowire.BytesType), f.Payload)
	}
	return appendString(to, logIDNew, f.LogIDNew)
}

func (h Header) size() int { return sizeBytes(len(h.Key)) + sizeBytes(len(h.Value)) }

func appendNumber(to []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), v)
}

func appendString(to []byte, number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(to, number, protowire.BytesType), s)
}

// tagSize is that of every tag here: the field numbers are below 16.
const tagSize = 1

func sizeNumber(v uint64) int { return tagSize + protowire.SizeVarint(v) }

func sizeBytes(n int) int { return tagSize + protowire.SizeBytes(n) }
