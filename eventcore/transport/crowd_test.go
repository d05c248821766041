package transport_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// newCrowd returns a crowd on a socket, and how to connect to it: ours is the end that was accepted, nil if none was.
func newCrowd(t *testing.T, limits transport.Limits) (connect func() (theirs net.Conn, ours *transport.Guest)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	crowd := transport.Limit(listener, limits)
	accepted := make(chan *transport.Guest, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := crowd.Accept()
			if err != nil {
				return
			}
			accepted <- conn.(*transport.Guest)
		}
	}()
	t.Cleanup(func() { crowd.Close(); <-done })
	return func() (net.Conn, *transport.Guest) {
		theirs, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { theirs.Close() })
		said := make(chan struct{})
		go func() {
			defer close(said)
			theirs.Read(make([]byte, 1)) // returns at a refusal
		}()
		select {
		case ours := <-accepted:
			t.Cleanup(func() { ours.Close(); <-said })
			return theirs, ours
		case <-said:
			return theirs, nil
		}
	}
}

func TestACrowdIsBounded(t *testing.T) {
	connect := newCrowd(t, transport.Limits{Open: 3, Refusal: []byte("!full")})
	var last *transport.Guest
	for range 3 {
		_, last = connect()
		last.Admit()
	}
	theirs, ours := connect()
	if rest, err := io.ReadAll(theirs); ours != nil || err != nil || string(rest) != "full" {
		t.Errorf("one too many: %v, told %q, %v", ours, rest, err)
	}
	last.Close()
	last.Close()
	if _, ours := connect(); ours == nil {
		t.Error("there is room again, and nobody is let in")
	} else if ours.Admit(); ours != nil {
		if _, ours := connect(); ours != nil {
			t.Error("one that was closed twice made room for two")
		}
	}
}

// pipes is a listener of what is put in.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) { return <-p, nil }
func (p pipes) Close() error              { return nil }
func (p pipes) Addr() net.Addr            { return nil }

// Who is just being admitted when another takes the place is told so, and nothing else, or an answer that is cut off.
func TestWhoIsRefusedIsToldNothingElse(t *testing.T) {
	accepting := make(pipes, 2)
	crowd := transport.Limit(accepting, transport.Limits{Open: 1, Refusal: []byte("full")})
	ours, theirs := net.Pipe()
	other, _ := net.Pipe()
	accepting <- ours
	accepting <- other
	conn, err := crowd.Accept()
	if err != nil {
		t.Fatal(err)
	}
	first := conn.(*transport.Guest)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := crowd.Accept(); err != nil {
			t.Error(err)
		}
	}()
	told := make([]byte, 1)
	if _, err := theirs.Read(told); err != nil {
		t.Fatal(err)
	}
	first.Admit()
	if n, err := first.Write([]byte("welcome")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("wrote %d, %v to one that is refused", n, err)
	}
	rest, err := io.ReadAll(theirs)
	if got := string(told) + string(rest); err != nil || got != "full" {
		t.Errorf("told %q, %v", got, err)
	}
	<-done
}

func TestStrangersMakeRoomForThoseWhoComeAfterThem(t *testing.T) {
	connect := newCrowd(t, transport.Limits{Open: 3})
	_, known := connect()
	known.Admit()
	_, slow := connect()
	connect()
	if _, ours := connect(); ours == nil {
		t.Fatal("strangers keep others out")
	}
	if _, err := slow.Read(make([]byte, 1)); err == nil {
		t.Error("the oldest stranger is still there")
	}
	if _, err := known.Write([]byte("x")); err != nil {
		t.Errorf("one that was admitted had to go: %v", err)
	}
}

func TestWhoHasNothingToAskAnyMoreMakesRoom(t *testing.T) {
	connect := newCrowd(t, transport.Limits{Open: 2, Refusal: []byte("!full")})
	idle, first := connect()
	busy, second := connect()
	for _, guest := range []*transport.Guest{first, second} {
		guest.Admit()
	}
	if _, ours := connect(); ours != nil {
		t.Fatal("one that still asks for something made room")
	}
	first.Dismiss()
	if _, ours := connect(); ours == nil {
		t.Fatal("one that asks for nothing keeps others out")
	} else {
		ours.Admit()
	}
	if rest, err := io.ReadAll(idle); err != nil || len(rest) > 0 {
		t.Errorf("it was told %q, %v: it may take that for an answer", rest, err)
	}
	first.Admit() // as a request does that is still read while the connection is closed
	first.Dismiss()
	if _, ours := connect(); ours != nil {
		t.Error("one that is closed made room once more")
	}
	if _, err := busy.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// unread is a listener of connections whose other ends do not read: the system takes one write, and no second one.
type unread struct{ net.Listener }

func (unread) Accept() (net.Conn, error) { return &unreadConn{}, nil }

type unreadConn struct {
	net.Conn
	full     bool
	deadline time.Time
}

func (u *unreadConn) Write(text []byte) (int, error) {
	if !u.full {
		u.full = true
		return len(text), nil
	}
	time.Sleep(time.Until(u.deadline))
	return 0, os.ErrDeadlineExceeded
}

func (u *unreadConn) SetWriteDeadline(t time.Time) error {
	u.deadline = t
	return nil
}

func (u *unreadConn) Close() error { return nil }

func TestStrangersWhoDoNotReadWhatTheyWereAnsweredHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const open = 10
		crowd := transport.Limit(unread{}, transport.Limits{Open: open, Refusal: []byte("full")})
		began := time.Now()
		for range 2 * open {
			guest, err := crowd.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := guest.Write([]byte("a token is needed")); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the last %d were let in after %s", open, took)
		}
	})
}
