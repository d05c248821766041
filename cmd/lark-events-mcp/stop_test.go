package main

import (
	"os"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// A bus that an agent started in the place of the stopped one is not waited for. Here that is this process, and the one
// that was told is another.
func TestStopDoesNotWaitForTheNextBus(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	listener, err := transport.Listen(app.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	told := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			told <- err
			return
		}
		defer conn.Close()
		in := protocol.NewReader(conn, protocol.MaxRequestLine)
		var hello, stop protocol.Request
		for _, req := range []*protocol.Request{&hello, &stop} {
			if err := in.Read(req); err != nil {
				told <- err
				return
			}
		}
		told <- protocol.NewWriter(conn).Write(protocol.Response{ID: stop.ID, Done: &protocol.Empty{}})
	}()
	stopped := os.Getpid() + 1
	if pid, err := stopBus(t.Context(), busdiscover.Bus{App: app, PID: stopped}); err != nil || pid != stopped {
		t.Errorf("process %d ended, %v", pid, err)
	}
	if err := <-told; err != nil {
		t.Error(err)
	}
}
