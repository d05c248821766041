package larksim

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
)

// newID returns 32 random hex digits, the form of the platform's ids after their prefix.
func newID() string {
	var id [16]byte
	for i := range id {
		id[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(id[:])
}

// fixedID is newID for what has a name and keeps its id: people and chats.
func fixedID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// nextID returns a number that no other call returns, with as many digits as the platform's connection ids.
func (p *Platform) nextID() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	return 7_400_000_000_000_000_000 + p.serial
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
