package eventcore

import (
	"reflect"
	"sync"
)

// decodings are what hooks made of an event's payload, by the type they made it to.
type decodings struct {
	mu     sync.Mutex
	byType map[reflect.Type]decoding
}

type decoding struct {
	value any
	err   error
}

// ShareDecoding makes [Decoded] keep what it decodes of the event, for as long as the event is kept. It is for whoever
// hands one event to the hooks of several subscriptions, and is called before the first of them.
func (e *RawEvent) ShareDecoding() { e.decoded = &decodings{byType: map[reflect.Type]decoding{}} }

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
	known, ok := e.decoded.byType[kind]
	if !ok {
		value, err := decode()
		known = decoding{value, err}
		e.decoded.byType[kind] = known
	}
	return known.value.(*T), known.err
}
