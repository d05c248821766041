package larksim

import (
	"math/rand/v2"
	"slices"
)

// DropConnections ends every open connection without a goodbye.
func (p *Platform) DropConnections() {
	for _, c := range p.open() {
		c.close()
	}
}

// Silence makes every open connection half-open, as sleep or a lost NAT entry does: the platform reads and sends
// nothing on it any more, still counts it as open, and TCP stays up. New connections work.
func (p *Platform) Silence() {
	for _, c := range p.open() {
		c.silence()
	}
}

// SendRaw sends bytes as one binary message on every open connection.
func (p *Platform) SendRaw(message []byte) {
	for _, c := range p.open() {
		c.send(len(message), func(to []byte) []byte { return append(to, message...) })
	}
}

// SendWire sends bytes on every open connection as they are, as something broken between the platform and its client
// would: SendRaw without the WebSocket's framing.
func (p *Platform) SendWire(bytes []byte) {
	for _, c := range p.open() {
		c.put(func(to []byte) []byte { return append(to, bytes...) })
	}
}

// SendGarbage sends messages of up to 300 random bytes on every open connection.
func (p *Platform) SendGarbage(messages int) {
	for range messages {
		garbage := make([]byte, 1+rand.IntN(300))
		for i := range garbage {
			garbage[i] = byte(rand.Uint32())
		}
		p.SendRaw(garbage)
	}
}

func (p *Platform) open() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.live)
}
