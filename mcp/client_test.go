package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client speaks to a server over pipes, as a program would over stdin and stdout.
type client struct {
	t      *testing.T
	server *Server
	in     *io.PipeWriter
	out    *io.PipeReader
	stop   context.CancelCauseFunc
	ended  chan error
	nextID int
	*inbox
}

// anySecond is the limit for what happens soon, on a machine that is busy; longer than the longest poll.
const anySecond = 90 * time.Second

// newTestServer returns a server on a consumer.
func newTestServer(t *testing.T, consumer Consumer, change ...func(*Options)) *Server {
	opts := Options{
		Version: "test", AppID: "cli_test", Domain: "feishu",
		Consumer: func() (Consumer, error) { return consumer, nil },
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, f := range change {
		f(&opts)
	}
	return NewServer(opts)
}

// serve starts a server on a fake consumer and ends it with the test.
func serve(t *testing.T, consumer Consumer, change ...func(*Options)) *client {
	t.Helper()
	return serveStdio(t, newTestServer(t, consumer, change...))
}

func serveStdio(t *testing.T, server *Server) *client {
	t.Helper()
	fromClient, in := io.Pipe()
	out, toClient := io.Pipe()
	ctx, stop := context.WithCancelCause(t.Context())
	c := &client{
		t: t, server: server, in: in, out: out, stop: stop, ended: make(chan error, 1),
		inbox: newInbox(t),
	}
	go func() {
		err := c.server.ServeStdio(ctx, fromClient, toClient)
		fromClient.Close()
		toClient.Close()
		c.ended <- err
	}()
	t.Cleanup(func() {
		in.Close()
		out.Close()
		stop(nil)
	})
	return c
}

// listen reads what the server says; without it the client is one that does not read.
func (c *client) listen() *client {
	go func() {
		lines := bufio.NewReader(c.out)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			c.sort(line)
		}
	}()
	return c
}

// send writes a line.
func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatalf("send %.200s: %v", line, err)
	}
}

// start sends a request and returns its id.
func (c *client) start(method string, params any) string {
	c.t.Helper()
	c.nextID++
	id := fmt.Sprint(c.nextID)
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.nextID, "method": method, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(string(text))
	return id
}

// rpc is an answer.
type rpc struct {
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}

func (c *client) await(id string) rpc {
	c.t.Helper()
	return decode[rpc](c.t, c.receive(c.answer(id), "answer to "+id))
}

func (c *client) request(method string, params any) rpc {
	c.t.Helper()
	return c.await(c.start(method, params))
}

func (c *client) initialize() *client {
	c.t.Helper()
	c.request("initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": "test", "version": "1"},
	})
	c.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return c
}

type toolAnswer struct {
	Content []struct {
		Type, Text string
	} `json:"content"`
	StructuredContent json.RawMessage `json:"structuredContent"`
	IsError           bool            `json:"isError"`
}

func toolCall(name string, args any) map[string]any {
	return map[string]any{"name": name, "arguments": args}
}

// tool calls a tool, which must succeed, and returns its structured content.
func (c *client) tool(name string, args any) json.RawMessage {
	c.t.Helper()
	return c.toolResult(c.start("tools/call", toolCall(name, args)))
}

func (c *client) toolResult(id string) json.RawMessage {
	c.t.Helper()
	answer := c.await(id)
	if answer.Error != nil {
		c.t.Fatalf("tool call failed: %+v", answer.Error)
	}
	result := decode[toolAnswer](c.t, answer.Result)
	if result.IsError {
		c.t.Fatalf("tool call failed: %s", result.StructuredContent)
	}
	return result.StructuredContent
}

// toolError calls a tool, which must fail, and returns the error.
func (c *client) toolError(name string, args any) map[string]any {
	c.t.Helper()
	result := decode[toolAnswer](c.t, c.request("tools/call", toolCall(name, args)).Result)
	if !result.IsError {
		c.t.Fatalf("%s succeeded: %s", name, result.StructuredContent)
	}
	return decode[map[string]map[string]any](c.t, result.StructuredContent)["error"]
}

func (c *client) subscribe(args map[string]any) subscribeResult {
	c.t.Helper()
	return decode[subscribeResult](c.t, c.tool("subscribe_event", args))
}

func (c *client) poll(args map[string]any) pollResult {
	c.t.Helper()
	return decode[pollResult](c.t, c.tool("poll_events", args))
}

// hangUp closes the server's input.
func (c *client) hangUp() { c.in.Close() }

// end closes the server's input and returns how ServeStdio ended.
func (c *client) end() error {
	c.t.Helper()
	c.in.Close()
	return c.wait()
}

func (c *client) wait() error {
	c.t.Helper()
	select {
	case err := <-c.ended:
		c.ended <- err
		return err
	case <-time.After(anySecond):
		c.t.Fatal("the server did not end")
		return errors.New("unreachable")
	}
}

func decode[T any](t *testing.T, text json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return v
}

// ids returns the event ids of a page.
func ids(page pollResult) []string {
	found := []string{}
	for _, event := range page.Events {
		found = append(found, event.EventID)
	}
	return found
}
