package bus_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// Whatever a consumer sends after its hello, the bus answers no request twice, in lines that are responses, ends the
// connection when the consumer does, and serves others.
func FuzzConsumer(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"fetch":{"max":1}}`, `{"id":1,"fetch":{"wait_ms":600000}}` + "\n" + `{"cancel":1}`, `{"id":1,"fetch":{"after":9223372036854775808,"max":-1}}`,
		`{"id":1,"seek":{}}` + "\n" + `{"id":1,"seek":{"head":true}}`, `{"id":2,"seek":{"time":"9999-01-01T00:00:00Z"}}`, `{"id":3,"count":{"types":["",""]}}`,
		`{"id":4,"acquire":{"holder":1,"identity":"i","key":"k","platform":true}}` + "\n" + `{"id":5,"settle":{"holder":1,"identity":"i","ok":true}}` + "\n" +
			`{"id":6,"release":{"holder":1,"identity":"i"}}`, `{"id":4,"acquire":{}}` + "\n" + `{"id":4,"acquire":{}}`, `{"id":7,"release":{"identity":"none"}}`,
		`{"id":8,"settle":{"holder":9,"identity":"x"}}`, `{"id":9,"status":{}}`, `{"id":10,"retry":{}}`, `{"id":11}`, `{"hello":{"version":2}}`, `{`, ``, "\n\n", `null`,
		`{"id":12,"fetch":{},"status":{},"release":{}}`, `{"cancel":18446744073709551615}`, `{"id":0,"status":{}}`, "{\"id\":1,\"acquire\":{\"identity\":\"\xff\"}}",
	} {
		f.Add([]byte(seed))
	}
	b := testutil.StartBus(f, testutil.Home(f).App("cli_test"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		requests := map[uint64]int{lastRequest: 1}
		for line := range bytes.Lines(lines) {
			var req protocol.Request
			if json.Unmarshal(line, &req) == nil && req.Stop != nil {
				return // it would stop the bus, as it should
			}
			requests[req.ID]++
		}
		answers := converse(t, b, append([]byte(hello+"\n"), lines...))
		seen := map[uint64]int{}
		for _, answer := range answers[1:] {
			seen[answer.ID]++
		}
		delete(seen, 0) // of its own accord, or to requests without an id
		for id, n := range seen {
			if n > requests[id] {
				t.Errorf("%d requests with id %d got %d answers", requests[id], id, n)
			}
		}
		if answers[0].Welcome == nil {
			t.Errorf("the hello got %+v", answers[0])
		}
		if after := converse(t, b, []byte(hello)); after[len(after)-1].Status == nil {
			t.Errorf("afterwards another consumer is told %+v", after)
		}
	})
}

// lastRequest is the id of the request that tells when a bus has read all before it.
const lastRequest = 424242

// converse sends what a consumer has to say, and returns what the bus said until it had read all of it, or ended the
// connection.
func converse(t *testing.T, b *testutil.RunningBus, lines []byte) (answers []protocol.Response) {
	conn, err := transport.Dial(t.Context(), b.App.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(lines, []byte("\n")) {
		lines = append(lines, '\n')
	}
	go conn.Write(fmt.Appendf(lines, `{"id":%d,"status":{}}`+"\n", lastRequest)) // the bus may end it before
	for in := bufio.NewReader(conn); ; {
		line, err := in.ReadBytes('\n')
		var netErr net.Error
		switch {
		case errors.As(err, &netErr) && netErr.Timeout():
			t.Fatalf("the bus neither answers nor ends the connection after %q", lines)
		case err != nil && len(answers) == 0:
			t.Fatalf("the bus said nothing to %q", lines)
		case err != nil:
			return answers
		}
		var answer protocol.Response
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Errorf("the bus said %q: %v", line, err)
		}
		if answers = append(answers, answer); answer.ID == lastRequest {
			return answers
		}
	}
}
