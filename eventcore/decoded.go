package eventcore

import (
	"reflect"
	"sync"
)

// decodings are what hooks made of an event's payload, each another type. They are few.
type decodings struct {
	mu    sync.Mutex
	known []decoding
}

type decoding struct {
	kind  reflect.Type
	value any
	err   error
}

// ShareDecoding makes [Decoded] keep what it decodes of the event, for as long as the event is kept. It is for whoever
// hands one event to the hooks of several subscriptions, and is called before the first of them.
func (e *RawEvent) ShareDecoding() { e.decoded = &decodings{} }

// Decoded returns what decode makes of the event, or what it made when it was last asked for the same T: there is one
// way to decode a payload to a T. Others get the same value, so that it must not be changed. It may be called from many
// goroutines at once.
func Decoded[T any](e *RawEvent, decode func() (*T, error)) (*T, error) {
	if e.decoded == nil {
		return decode()
	}
	e.decoded.mu.Lock()
	defer e.decoded.mu.Unlock()
	kind := reflect.TypeFor[T]()
	for _, known := range e.decoded.known {
		if known.kind == kind {
			return known.value.(*T), known.err
		}
	}
	value, err := decode()
	e.decoded.known = append(e.decoded.known, decoding{kind, value, err})
	return value, err
}
