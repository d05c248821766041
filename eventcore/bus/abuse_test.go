package bus_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// generous is the limit for what another consumer waits while a crowd is there: far above what it is, so that only one that
// is held up exceeds it.
const generous = 10 * time.Second

// bystander is a consumer beside a crowd. Its requests must be answered soon.
type bystander struct {
	*wire
	asked int
	took  []time.Duration
}

func newBystander(t *testing.T, b *testutil.RunningBus) *bystander {
	w := dial(t, b)
	w.send(hello)
	if answer, ok := w.receive(); !ok || answer.Welcome == nil {
		t.Fatalf("another consumer's hello got %+v", answer)
	}
	return &bystander{wire: w}
}

// poll waits for an event that is sent meanwhile.
func (s *bystander) poll(b *testutil.RunningBus) {
	s.t.Helper()
	s.asked++
	s.send(fmt.Sprintf(`{"id":%d,"seek":{"head":true}}`, s.asked))
	answer, _ := s.receive()
	if s.asked++; answer.Position == nil {
		s.t.Fatalf("another consumer is told %+v", answer)
	}
	s.send(fmt.Sprintf(`{"id":%d,"fetch":{"after":%d,"types":["t.by"],"max":10,"wait_ms":60000}}`, s.asked, answer.Position.After))
	began := time.Now()
	b.Source.Send(s.t, testutil.Event(int(time.Now().UnixNano()), "t.by"))
	answer, ok := s.receive()
	if took := time.Since(began); !ok || answer.Batch == nil || len(answer.Batch.Events) != 1 || took > generous {
		s.t.Errorf("another consumer waited %s for %+v", took, answer)
	} else {
		s.took = append(s.took, took)
	}
}

// report logs the longest of the waits.
func (s *bystander) report(what string) {
	s.t.Logf("beside %s, another consumer waited up to %s", what, slices.Max(s.took))
}

// connect opens connections that say first what is given.
func connect(t *testing.T, b *testutil.RunningBus, n int, first string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := transport.Dial(t.Context(), b.App.Socket())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, first) // the bus may have closed it
		conns[i] = conn
	}
	return conns
}

func TestFaultThoseWhoDoNotFinishTheirHelloKeepNobodyOut(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	known := newBystander(t, b)
	n := testutil.Faults(t, 1000, 10_000)
	var slow []net.Conn
	for range n / 200 {
		slow = append(slow, connect(t, b, 200, `{"hello":{"version":1,`)...)
		known.poll(b)
		newBystander(t, b).poll(b)
	}
	began := time.Now()
	for i, conn := range slow[:max(n-4096, 0)] {
		conn.SetReadDeadline(began.Add(generous / 2)) // before they are closed for their slowness
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d of %d has not made room: %v", i, n, err)
		}
	}
	known.report(fmt.Sprintf("%d unfinished hellos", n))
}

func TestFaultWaitingPollsAreBounded(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	known := newBystander(t, b)
	var requests strings.Builder
	const each = protocol.MaxPending + 10
	for id := range each {
		fmt.Fprintf(&requests, `{"id":%d,"fetch":{"types":["t.never"],"wait_ms":600000}}`+"\n", id+1)
	}
	fmt.Fprintf(&requests, `{"id":%d,"settle":{}}`+"\n", each+1) // whose answer says that all were seen
	n := testutil.Faults(t, 20, 400)
	refused := 0
	for _, conn := range connect(t, b, n, hello+"\n"+requests.String()) {
		w := &wire{t, conn, bufio.NewReader(conn)}
		w.receive() // the welcome
		before := refused
		for {
			answer, ok := w.receive()
			if answer.Done != nil {
				break
			}
			if !ok || answer.Error == nil || answer.Error.Code != eventcore.CodeLimitReached || answer.Error.Hint == "" {
				t.Fatalf("a poll too many got %+v, %v", answer, ok)
			}
			refused++
		}
		if refused-before < each-protocol.MaxPending {
			t.Errorf("%d polls of %d were refused", refused-before, each)
		}
	}
	if waiting := n*each - refused; waiting > 32<<10+8*n {
		t.Errorf("%d polls wait", waiting)
	}
	known.poll(b)
	newBystander(t, b).poll(b)
	known.report(fmt.Sprintf("%d polls, %d of them refused,", n*each, refused))
}

func TestFaultConsumersAreBounded(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	known := newBystander(t, b)
	n := testutil.Faults(t, 200, 5000)
	refused := 0
	for _, conn := range connect(t, b, n, hello+"\n") {
		w := &wire{t, conn, bufio.NewReader(conn)}
		if answer, ok := w.receive(); ok && answer.Error != nil && answer.Error.Code == eventcore.CodeLimitReached {
			refused++
		} else if !ok || answer.Welcome == nil {
			t.Fatalf("a consumer got %+v, %v", answer, ok)
		}
	}
	if want := max(n+1-4096, 0); refused < want {
		t.Errorf("%d of %d consumers were refused, want at least %d", refused, n, want)
	}
	known.poll(b)
	known.report(fmt.Sprintf("%d consumers, %d of them refused,", n, refused))
}

func TestFaultLinesWithoutEndAndSlowOnesAreBounded(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	known := newBystander(t, b)
	var writing sync.WaitGroup
	for _, conn := range connect(t, b, testutil.Faults(t, 20, 200), hello+"\n") {
		writing.Go(func() {
			piece := []byte(strings.Repeat("[", 64<<10))
			for range 1 << 10 { // 64 MiB, if nobody stops it
				if _, err := conn.Write(piece); err != nil {
					return
				}
			}
			t.Error("the bus read a line without end")
		})
	}
	connect(t, b, 100, hello+"\n"+`{"id":1,"fe`) // and nothing more
	for range 10 {
		known.poll(b)
	}
	writing.Wait()
	known.poll(b)
	known.report("lines without end")
}

func TestASubscriptionsNameIsBounded(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	w := dial(t, b)
	w.send(hello, `{"id":1,"acquire":{"holder":1,"identity":"`+strings.Repeat("x", 5000)+`","key":"k"}}`)
	w.receive()
	if answer, ok := w.receive(); !ok || answer.Error == nil || answer.Error.Code != eventcore.CodeLimitReached {
		t.Errorf("got %+v", answer)
	}
}
