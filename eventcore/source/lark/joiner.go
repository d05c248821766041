package lark

import (
	"errors"
	"fmt"
	"time"
)

// The bounds of a chunked message. The platform documents none; these are far above what it sends.
const (
	maxChunks     = 1024
	maxJoined     = 8 << 20  // bytes of one message
	maxHalfJoined = 64       // messages that still lack a chunk
	maxHeld       = 32 << 20 // bytes of all of them
	// chunkExpiry is how long a message may lack a chunk. The platform gives up on an unanswered message after
	// 3 s and sends it again no sooner than 15 s.
	chunkExpiry = 10 * time.Second
)

// joiner puts chunked messages together. It is bounded in every direction: what is too old or too much is dropped,
// and the platform, having no answer, sends it again. One goroutine uses it.
type joiner struct {
	half map[string]*halfJoined
	held int // bytes in half
	// order lists the ids in half by age, oldest first.
	order []string
}

type halfJoined struct {
	began   time.Time
	chunks  [][]byte
	present int
	size    int
}

// add takes chunk seq (from 0) of the sum chunks of a message. It returns the whole message with its last missing
// chunk, and nil before. An error means that the message can never be whole, and that nothing of it is kept.
// The chunk may be kept; the caller must not change it.
func (j *joiner) add(now time.Time, id string, sum, seq int, chunk []byte) ([]byte, error) {
	j.expire(now)
	switch {
	case id == "":
		return nil, errors.New("a chunk names no message")
	case sum > maxChunks:
		return nil, fmt.Errorf("a message of %d chunks is more than the %d accepted", sum, maxChunks)
	case seq < 0 || seq >= sum:
		j.drop(id)
		return nil, fmt.Errorf("chunk %d of a message of %d is out of range", seq, sum)
	}
	message, ok := j.half[id]
	if !ok {
		message = j.begin(now, id, sum)
	}
	if len(message.chunks) != sum {
		j.drop(id)
		return nil, fmt.Errorf("the chunks of a message disagree on their number: %d and %d", len(message.chunks), sum)
	}
	if message.chunks[seq] != nil {
		return nil, nil // sent twice
	}
	if message.size+len(chunk) > maxJoined {
		j.drop(id)
		return nil, fmt.Errorf("a message is larger than the %d bytes accepted", maxJoined)
	}
	if chunk == nil {
		chunk = []byte{} // present, and empty
	}
	message.chunks[seq] = chunk
	message.present++
	message.size += len(chunk)
	j.held += len(chunk)
	if message.present == sum {
		j.drop(id)
		return message.join(), nil
	}
	for j.held > maxHeld {
		j.drop(j.order[0])
	}
	return nil, nil
}

func (j *joiner) begin(now time.Time, id string, sum int) *halfJoined {
	if j.half == nil {
		j.half = map[string]*halfJoined{}
	}
	if len(j.order) >= maxHalfJoined {
		j.drop(j.order[0])
	}
	message := &halfJoined{began: now, chunks: make([][]byte, sum)}
	j.half[id] = message
	j.order = append(j.order, id)
	return message
}

func (j *joiner) expire(now time.Time) {
	for len(j.order) > 0 && now.Sub(j.half[j.order[0]].began) >= chunkExpiry {
		j.drop(j.order[0])
	}
}

func (j *joiner) drop(id string) {
	message, ok := j.half[id]
	if !ok {
		return
	}
	delete(j.half, id)
	j.held -= message.size
	for i, other := range j.order {
		if other == id {
			j.order = append(j.order[:i], j.order[i+1:]...)
			break
		}
	}
}

func (m *halfJoined) join() []byte {
	whole := make([]byte, 0, m.size)
	for _, chunk := range m.chunks {
		whole = append(whole, chunk...)
	}
	return whole
}
