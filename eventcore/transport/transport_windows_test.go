package transport

import (
	"path/filepath"
	"testing"

	"github.com/Microsoft/go-winio"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestTheUsersOwnPipeIsDialled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus.sock")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestAPipeOfAnotherOwnerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus.sock")
	// Owned by the administrators, whom an elevated process may name, and open to everybody.
	listener, err := winio.ListenPipe(pipeName(path), &winio.PipeConfig{SecurityDescriptor: "O:BAD:P(A;;GA;;;WD)"})
	if err != nil {
		t.Skip("only an elevated process can make a pipe of another owner:", err)
	}
	defer listener.Close()
	if _, err := Dial(t.Context(), path); !eventcore.IsCode(err, eventcore.CodeBusUnavailable) {
		t.Errorf("got %v, want bus_unavailable", err)
	}
}
