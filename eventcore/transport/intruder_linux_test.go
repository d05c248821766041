package transport_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// The modes keep others out already; here they do not.
func TestAnotherUserIsNotLetIn(t *testing.T) {
	if path, is := testutil.Intruding(); is {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatalf("this test is of what happens behind an open door: %v", err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		conn.Write([]byte("{}\n")) // it may be closed already
		if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d bytes, %v; want a closed connection", n, err)
		}
		return
	}
	path := filepath.Join(testutil.SharedPlace(t), "bus.sock")
	listener, err := transport.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	testutil.Intrude(t, path)
	// Who comes next is served, and is the first who was.
	mine, err := transport.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mine.Write([]byte("mine")); err != nil {
		t.Fatal(err)
	}
	mine.Close()
	conn := <-accepted
	if said, err := io.ReadAll(conn); err != nil || string(said) != "mine" {
		t.Errorf("accepted was who said %q, %v", said, err)
	}
	conn.Close()
	listener.Close()
	for range accepted {
		t.Error("somebody else was let in")
	}
}

func TestAnotherUsersSocketIsNotTalkedTo(t *testing.T) {
	if path, is := testutil.Intruding(); is {
		listener, err := net.Listen("unix", path)
		if err == nil {
			err = os.Chmod(path, 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		heard := make(chan string)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				heard <- ""
				return
			}
			said, _ := io.ReadAll(conn)
			heard <- string(said)
		}()
		testutil.Lurk()
		listener.Close()
		if said := <-heard; said != "" {
			t.Errorf("the impostor was told %q", said)
		}
		return
	}
	path := filepath.Join(testutil.SharedPlace(t), "bus.sock")
	testutil.LetIntrude(t, path)
	conn, err := transport.Dial(t.Context(), path)
	var refused *eventcore.Error
	if !errors.As(err, &refused) || refused.Code != eventcore.CodeBusUnavailable || refused.Hint == "" {
		t.Errorf("got %v, want bus_unavailable with a hint", err)
	}
	if err == nil {
		conn.Close()
	}
}
