package lark

import (
	"net"
	"sync"
	"time"
)

// wire is the network connection under the WebSocket. While held, it gathers what is written and sends it at the
// release as one, so that a burst of answers costs one system call. It may be used like any net.Conn from many
// goroutines at once; hold and release belong to one of them.
type wire struct {
	net.Conn
	mu     sync.Mutex
	held   bool
	buffer []byte
}

// wireBuffer is how many bytes a held wire gathers before it sends them all the same.
const wireBuffer = 64 << 10

// Write sends p, or keeps it until release.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.held {
		return w.Conn.Write(p)
	}
	w.buffer = append(w.buffer, p...)
	if len(w.buffer) >= wireBuffer {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
}

// release sends what was gathered, within timeout.
func (w *wire) release(timeout time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	if err := w.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	return w.flush()
}

func (w *wire) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	_, err := w.Conn.Write(w.buffer)
	w.buffer = w.buffer[:0]
	return err
}
