package frame

import "strconv"

// The methods of a frame.
const (
	MethodControl int32 = 0 // a ping or a pong
	MethodData    int32 = 1 // an event or a callback, or its answer
)

// The keys of a frame's headers.
const (
	HeaderTimestamp = "timestamp"  // when it was sent, in ms
	HeaderType      = "type"       // one of the types below
	HeaderMessageID = "message_id" // the same in all chunks of a message
	HeaderSum       = "sum"        // the number of chunks
	HeaderSeq       = "seq"        // which chunk this is, from 0
	HeaderTraceID   = "trace_id"
	HeaderBizRt     = "biz_rt" // in an answer: how long the client took, in ms
)

// The types of a frame, the value of its header [HeaderType].
const (
	TypeEvent = "event"
	TypeCard  = "card"
	TypePing  = "ping"
	TypePong  = "pong"
)

// The payload of an answer, as the SDK's client encodes it. Any code but 200 makes the platform deliver again.
const (
	AnswerTaken = `{"code":200,"headers":null,"data":null}`
	AnswerAgain = `{"code":500,"headers":null,"data":null}`
)

// Frame is one binary message on the long connection. The answer to a data frame is the same frame with another
// payload.
type Frame struct {
	SeqID           uint64
	LogID           uint64
	Service         int32
	Method          int32
	Headers         Headers
	PayloadEncoding string
	PayloadType     string
	Payload         []byte // nil is left out of the message, empty is not
	LogIDNew        string
}

// Header is one entry of a frame's headers.
type Header struct {
	Key   string
	Value string
}

// Headers are a frame's headers in the order of the message. A key may occur twice.
type Headers []Header

// Get returns the first value of key; "" if there is none.
func (h Headers) Get(key string) string {
	for _, header := range h {
		if header.Key == key {
			return header.Value
		}
	}
	return ""
}

// Int returns the first value of key that is a decimal number; 0 if there is none.
func (h Headers) Int(key string) int {
	for _, header := range h {
		if header.Key != key {
			continue
		}
		if n, err := strconv.Atoi(header.Value); err == nil {
			return n
		}
	}
	return 0
}

// Ping returns the frame that a client sends every [ClientConfig].PingInterval.
func Ping(service int32) *Frame { return control(TypePing, service) }

// Pong returns the platform's answer to a ping. Its payload may be a [ClientConfig].
func Pong(service int32) *Frame { return control(TypePong, service) }

func control(kind string, service int32) *Frame {
	return &Frame{Method: MethodControl, Service: service, Headers: Headers{{HeaderType, kind}}}
}
