package frame

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of a frame and of a header.
const (
	seqID           protowire.Number = 1
	logID           protowire.Number = 2
	service         protowire.Number = 3
	method          protowire.Number = 4
	headers         protowire.Number = 5
	payloadEncoding protowire.Number = 6
	payloadType     protowire.Number = 7
	payload         protowire.Number = 8
	logIDNew        protowire.Number = 9

	headerKey   protowire.Number = 1
	headerValue protowire.Number = 2
)

// field is what is known of a field: its name, for errors, and how its value is encoded.
type field struct {
	name string
	kind protowire.Type
}

// A schema has the fields of a message at the index of their number.
//
// Source: the SDK's ws/pbbp2.pb.go.
var (
	frameSchema = []field{
		seqID:           {"SeqID", protowire.VarintType},
		logID:           {"LogID", protowire.VarintType},
		service:         {"service", protowire.VarintType},
		method:          {"method", protowire.VarintType},
		headers:         {"headers", protowire.BytesType},
		payloadEncoding: {"payload_encoding", protowire.BytesType},
		payloadType:     {"payload_type", protowire.BytesType},
		payload:         {"payload", protowire.BytesType},
		logIDNew:        {"LogIDNew", protowire.BytesType},
	}
	headerSchema = []field{
		headerKey:   {"key", protowire.BytesType},
		headerValue: {"value", protowire.BytesType},
	}
)

// value is one field of a message: its number, and what it holds in whichever of the two its kind is.
type value struct {
	number protowire.Number
	varint uint64
	bytes  []byte // of the message itself
}

// next takes the first known field from message and returns what follows it. It skips those that schema lacks; where
// no known one follows, the number is 0 and the rest empty.
func next(message []byte, schema []field) (got value, rest []byte, err error) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return value{}, nil, fmt.Errorf("a field without a readable number: %w", protowire.ParseError(n))
		}
		message = message[n:]
		if int(number) >= len(schema) {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return value{}, nil, fmt.Errorf("unknown field %d: %w", number, protowire.ParseError(n))
			}
			message = message[n:]
			continue
		}
		known := schema[number]
		if kind != known.kind {
			return value{}, nil, fmt.Errorf("field %s has wire type %d, want %d", known.name, kind, known.kind)
		}
		got.number = number
		if kind == protowire.VarintType {
			got.varint, n = protowire.ConsumeVarint(message)
		} else {
			got.bytes, n = protowire.ConsumeBytes(message)
		}
		if n < 0 {
			return value{}, nil, fmt.Errorf("field %s: %w", known.name, protowire.ParseError(n))
		}
		return got, message[n:], nil
	}
	return value{}, nil, nil
}
