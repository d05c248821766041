package consume

import (
	"io"
	"net"
	"path/filepath"
	"testing"
)

// A bus that was told to stop says so and goes. A consumer that writes to it before it has read that must not lose it:
// it would start another bus.
func TestWhatABusSaidBeforeItWentCanBeReadAfterAWriteThatFailed(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skip("no Unix sockets here: ", err)
	}
	defer listener.Close()
	ours, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	bus, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Write([]byte("stopping")); err != nil {
		t.Fatal(err)
	}
	bus.Close()
	if _, err := (promptConn{ours}).Write([]byte("fetch")); err == nil {
		t.Fatal("a write to a bus that has gone succeeded")
	}
	if said, err := io.ReadAll(ours); err != nil || string(said) != "stopping" {
		t.Errorf("it had said %q, %v", said, err)
	}
}
