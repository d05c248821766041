package frame

import (
	"errors"
	"fmt"
	"slices"
)

const (
	// maxHeaders bounds the memory that a message takes: an empty header is two bytes of it. The platform sends six.
	maxHeaders = 256
	// usualHeaders is room for those six and what an answer adds.
	usualHeaders = 8
)

// Unmarshal decodes message and replaces f. The payload is a part of message and good as long as that is not
// changed; everything else is a copy. What message takes is at most its own size and a few KB.
//
// As protobuf has it, unknown fields are skipped, and of a field that occurs twice the last one counts. The format
// calls the numbers, and the key and value of a header, required; of these only the method must be there, because it
// says what the frame is, and the others are zero when missing: an event is worth more than a number that is only
// repeated in its answer. Text may be any bytes. An error names the field and holds no content; f is then as it was.
func (f *Frame) Unmarshal(message []byte) error {
	var got Frame
	hasMethod := false
	for rest := message; len(rest) > 0; {
		v, after, err := next(rest, frameSchema)
		if err != nil {
			return err
		}
		rest = after
		switch v.number {
		case seqID:
			got.SeqID = v.varint
		case logID:
			got.LogID = v.varint
		case service:
			got.Service = int32(v.varint)
		case method:
			got.Method, hasMethod = int32(v.varint), true
		case headers:
			if len(got.Headers) == maxHeaders {
				return fmt.Errorf("field headers: there are more than the %d accepted", maxHeaders)
			}
			header, err := unmarshalHeader(v.bytes)
			if err != nil {
				return fmt.Errorf("field headers: %w", err)
			}
			if got.Headers == nil {
				got.Headers = make(Headers, 0, usualHeaders)
			}
			got.Headers = append(got.Headers, header)
		case payloadEncoding:
			got.PayloadEncoding = string(v.bytes)
		case payloadType:
			got.PayloadType = string(v.bytes)
		case payload:
			got.Payload = slices.Clip(v.bytes) // an append must not reach the rest of message
		case logIDNew:
			got.LogIDNew = string(v.bytes)
		}
	}
	if !hasMethod {
		return errors.New("field method is missing")
	}
	*f = got
	return nil
}

func unmarshalHeader(message []byte) (Header, error) {
	var got Header
	for rest := message; len(rest) > 0; {
		v, after, err := next(rest, headerSchema)
		if err != nil {
			return Header{}, err
		}
		rest = after
		switch v.number {
		case headerKey:
			got.Key = known(v.bytes)
		case headerValue:
			got.Value = known(v.bytes)
		}
	}
	return got, nil
}

// known is string(b) without an allocation for what occurs in every frame.
func known(b []byte) string {
	switch string(b) {
	case HeaderTimestamp:
		return HeaderTimestamp
	case HeaderType:
		return HeaderType
	case HeaderMessageID:
		return HeaderMessageID
	case HeaderSum:
		return HeaderSum
	case HeaderSeq:
		return HeaderSeq
	case HeaderTraceID:
		return HeaderTraceID
	case HeaderBizRt:
		return HeaderBizRt
	case TypeEvent:
		return TypeEvent
	case TypeCard:
		return TypeCard
	}
	return string(b)
}
