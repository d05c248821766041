package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// recorder is a sender that keeps what it is given.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) send(_ context.Context, line []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(line))
	return nil
}

func (r *recorder) sent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// ask has a session answer a tool call, and leaves it to the test to settle it.
func ask(t *testing.T, s *Session, tool, args string) (*call, json.RawMessage) {
	t.Helper()
	msg, problem := parseMessage([]byte(
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + args + `}}`))
	if problem != nil {
		t.Fatal(problem)
	}
	c := &call{session: s}
	return c, decode[toolAnswer](t, decode[rpc](t, s.answer(t.Context(), c, msg)).Result).StructuredContent
}

// The moment of decision, for any transport: a page whose call turns out to be cancelled is read again.
func TestPageThatIsNotSentIsNotConsumed(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	server := NewServer(Options{Consumer: func() (Consumer, error) { return consumer, nil }})
	s := server.newSession(&recorder{}, "")
	subscribing, _ := ask(t, s, "subscribe_event", `{"key":"`+messageKey+`"}`)
	subscribing.settle(true)
	consumer.publish(messageKey, `1`)
	for _, answered := range []bool{false, false, true} {
		c, content := ask(t, s, "poll_events", `{}`)
		if got := ids(decode[pollResult](t, content)); !slices.Equal(got, []string{"e1"}) {
			t.Errorf("got %v, want e1", got)
		}
		c.settle(answered)
	}
	c, content := ask(t, s, "poll_events", `{}`)
	c.settle(true)
	if got := ids(decode[pollResult](t, content)); len(got) != 0 {
		t.Errorf("after it was sent, got %v", got)
	}
	s.close(t.Context())
}

func TestSessionsHaveTheirOwnSubscriptions(t *testing.T) {
	registerKeys(t, messageDefinition())
	shared := newFakeConsumer()
	server := NewServer(Options{Consumer: func() (Consumer, error) {
		return &fakeConsumer{journal: shared.journal, subs: shared.subs, more: shared.more}, nil
	}})
	one, two := server.newSession(&recorder{}, ""), server.newSession(&recorder{}, "")
	subscribing, _ := ask(t, one, "subscribe_event", `{"key":"`+messageKey+`"}`)
	subscribing.settle(true)
	if _, content := ask(t, two, "poll_events", `{}`); !strings.Contains(string(content), "unknown_subscription") {
		t.Errorf("the other session polls %s", content)
	}
	if one.SessionID() == two.SessionID() {
		t.Error("two sessions have one id")
	}
	one.close(t.Context())
	two.close(t.Context())
}

func TestStreamIsSilentBeforeItsAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &recorder{}
		stream := newNotifier(out, json.RawMessage(`"s"`))
		ctx, cancel := context.WithCancel(t.Context())
		go stream.run(ctx, t.Context())
		stream.resourceUpdated("lark-event://status")
		stream.resourceUpdated("lark-event://status")
		synctest.Wait()
		if sent := out.sent(); len(sent) != 0 {
			t.Errorf("sent %v", sent)
		}
		ack := mcpgo.JSONRPCNotification{JSONRPC: "2.0"}
		ack.Method = mcpgo.MethodNotificationSubscriptionsAcknowledged
		stream.relayed <- ack
		synctest.Wait()
		sent := out.sent()
		if len(sent) != 2 || !strings.Contains(sent[0], "acknowledged") || !strings.Contains(sent[1], "resources/updated") {
			t.Errorf("sent %v, want the acknowledgement and one update", sent)
		}
		cancel()
	})
}

// mcp-go closes a stream that asked for nothing at once; its acknowledgement is owed all the same.
func TestStreamOfNothingIsAcknowledgedAndEnds(t *testing.T) {
	c := serve(t, newFakeConsumer()).listen()
	answer := c.request("subscriptions/listen", map[string]any{"notifications": map[string]any{}, "_meta": map[string]any{
		mcpgo.MetaKeyProtocolVersion: mcpgo.ProtocolVersion20260728, mcpgo.MetaKeyClientCapabilities: map[string]any{},
	}})
	if note := c.note(); !strings.Contains(string(note), "subscriptions/acknowledged") {
		t.Errorf("got %s", note)
	}
	if !strings.Contains(string(answer.Result), mcpgo.MetaKeySubscriptionID) {
		t.Errorf("answered %s", answer.Result)
	}
	c.end()
}

func TestWhatIsQueuedIsWrittenAtTheEnd(t *testing.T) {
	box := newOutbox()
	var want strings.Builder
	for n := range outboxDepth {
		fmt.Fprintf(&want, "%d\n", n)
		if err := box.send(t.Context(), fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	close(box.finish)
	box.run(&out)
	if out.String() != want.String() {
		t.Errorf("wrote %q, want %q", out.String(), want.String())
	}
}
