//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// era is a protocol version, and with it the way in which a client introduces itself.
type era string

const (
	// legacyEra introduces itself once, by initialize.
	legacyEra era = "2025-11-25"
	// modernEra introduces itself in the _meta of each request, and makes no handshake.
	modernEra era = "2026-07-28"
)

func eras() []era { return []era{legacyEra, modernEra} }

// agent is an MCP client of a server in a process of its own: JSON-RPC, one message a line. Its methods are for the
// test's goroutine.
type agent struct {
	t    *testing.T
	proc *process
	era  era

	lastID  int
	read    int // lines of stdout that were looked at
	answers map[string]rpcMessage
	notes   []rpcMessage // notifications that nobody has taken yet
}

// rpcMessage is a message from the server.
type rpcMessage struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *rpcError       `json:"error"`
}

type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// agent starts a server with these arguments and introduces itself.
func (w *world) agent(e era, args ...string) *agent {
	w.t.Helper()
	a := w.silentAgent(e, args...)
	a.introduce()
	return a
}

// silentAgent starts a server and says nothing yet.
func (w *world) silentAgent(e era, args ...string) *agent {
	w.t.Helper()
	p := w.start(append([]string{"serve"}, args...)...)
	return &agent{t: w.t, proc: p, era: e, answers: map[string]rpcMessage{}}
}

// introduce makes the handshake of the legacy era and returns what the server says of itself; in the modern era it
// asks for that.
func (a *agent) introduce() json.RawMessage {
	a.t.Helper()
	if a.era == modernEra {
		return a.request("server/discover", nil)
	}
	hello := a.request("initialize", map[string]any{
		"protocolVersion": legacyEra, "capabilities": map[string]any{}, "clientInfo": clientInfo(),
	})
	a.notify("notifications/initialized", nil)
	return hello
}

// within makes failures those of a test within the agent's, until the function that it returns is called.
func (a *agent) within(t *testing.T) (back func()) {
	outer := a.t
	a.t = t
	return func() { a.t = outer }
}

func clientInfo() map[string]any { return map[string]any{"name": "e2e", "version": "1"} }

// write sends a line as it is.
func (a *agent) write(line string) {
	a.t.Helper()
	if _, err := io.WriteString(a.proc.stdin, line+"\n"); err != nil {
		a.t.Fatalf("write to the server: %v; stderr:\n%s", err, a.proc.stderr)
	}
}

func (a *agent) writeMessage(message map[string]any) {
	a.t.Helper()
	line, err := json.Marshal(message)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(string(line))
}

func (a *agent) notify(method string, params map[string]any) {
	a.t.Helper()
	a.writeMessage(map[string]any{"jsonrpc": "2.0", "method": method, "params": a.withMeta(params)})
}

func (a *agent) withMeta(params map[string]any) map[string]any {
	if a.era == legacyEra {
		return params
	}
	full := map[string]any{"_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion":    a.era,
		"io.modelcontextprotocol/clientInfo":         clientInfo(),
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
	}}
	for name, value := range params {
		full[name] = value
	}
	return full
}

// begin sends a request and returns its id.
func (a *agent) begin(method string, params map[string]any) (id string) {
	a.t.Helper()
	a.lastID++
	a.writeMessage(map[string]any{"jsonrpc": "2.0", "id": a.lastID, "method": method, "params": a.withMeta(params)})
	return fmt.Sprint(a.lastID)
}

// cancel withdraws a request.
func (a *agent) cancel(id string) {
	a.t.Helper()
	a.notify("notifications/cancelled", map[string]any{"requestId": json.RawMessage(id), "reason": "no longer needed"})
}

// request sends a request, which must succeed, and returns the result.
func (a *agent) request(method string, params map[string]any) json.RawMessage {
	a.t.Helper()
	answer := a.await(a.begin(method, params))
	if answer.Error != nil {
		a.t.Fatalf("%s: %+v", method, *answer.Error)
	}
	return answer.Result
}

// await returns the answer to a request; "null" is the id of errors that answer to none.
func (a *agent) await(id string) rpcMessage {
	a.t.Helper()
	a.pump("the answer to "+id, func() bool {
		_, there := a.answers[id]
		return there
	})
	answer := a.answers[id]
	delete(a.answers, id)
	return answer
}

// note returns the next notification of this method; others stay.
func (a *agent) note(method string) rpcMessage {
	a.t.Helper()
	i := -1
	a.pump("a "+method, func() bool {
		i = slices.IndexFunc(a.notes, func(m rpcMessage) bool { return m.Method == method })
		return i >= 0
	})
	found := a.notes[i]
	a.notes = slices.Delete(a.notes, i, i+1)
	return found
}

// pump takes in what the server says until done.
func (a *agent) pump(what string, done func() bool) {
	a.t.Helper()
	limit := time.After(soon)
	for {
		more, changed, closed := a.proc.stdout.from(a.read)
		for _, line := range more {
			a.sort(line)
		}
		a.read += len(more)
		if done() {
			return
		}
		if closed {
			a.t.Fatalf("the server ended; awaited was %s; stderr:\n%s", what, a.proc.stderr)
		}
		select {
		case <-changed:
		case <-limit:
			a.t.Fatalf("not within %s: %s; stderr:\n%s", soon, what, a.proc.stderr)
		}
	}
}

// sort puts a message where await and note find it. Everything on stdout must be a message.
func (a *agent) sort(line string) {
	a.t.Helper()
	message := decode[rpcMessage](a.t, line)
	switch {
	case message.JSONRPC != "2.0":
		a.t.Fatalf("the server wrote %s", line)
	case message.Method != "":
		a.notes = append(a.notes, message)
	default:
		id := strings.Trim(string(message.ID), `"`)
		if _, twice := a.answers[id]; twice {
			a.t.Fatalf("request %s was answered twice: %s", id, line)
		}
		a.answers[id] = message
	}
}

// toolResult is the answer to tools/call.
type toolResult struct {
	Content []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
	StructuredContent json.RawMessage `json:"structuredContent"`
	IsError           bool            `json:"isError"`
}

// beginTool calls a tool and returns the request's id.
func (a *agent) beginTool(name string, args map[string]any) (id string) {
	a.t.Helper()
	return a.begin("tools/call", map[string]any{"name": name, "arguments": args})
}

// awaitTool returns the result of a call, with the structured content also in the form of text.
func (a *agent) awaitTool(id string) toolResult {
	a.t.Helper()
	answer := a.await(id)
	if answer.Error != nil {
		a.t.Fatalf("the tool call failed: %+v", *answer.Error)
	}
	result := decode[toolResult](a.t, string(answer.Result))
	if len(result.Content) != 1 || result.Content[0].Type != "text" ||
		!reflect.DeepEqual(decode[any](a.t, result.Content[0].Text), decode[any](a.t, string(result.StructuredContent))) {
		a.t.Fatalf("content is not the structured content as text: %s", answer.Result)
	}
	return result
}

// tool calls a tool, which must succeed, and returns its structured content.
func (a *agent) tool(name string, args map[string]any) string {
	a.t.Helper()
	return a.awaitResult(a.beginTool(name, args))
}

// awaitResult waits for the answer to a tool call, which must succeed, and returns its structured content.
func (a *agent) awaitResult(id string) string {
	a.t.Helper()
	result := a.awaitTool(id)
	if result.IsError {
		a.t.Fatalf("call %s: %s", id, result.StructuredContent)
	}
	return string(result.StructuredContent)
}

// refused calls a tool, which must fail, with everything that helps a model: what was wrong, and what to do.
func (a *agent) refused(name string, args map[string]any) eventcore.Error {
	a.t.Helper()
	result := a.awaitTool(a.beginTool(name, args))
	if !result.IsError {
		a.t.Fatalf("%s %v succeeded: %s", name, args, result.StructuredContent)
	}
	e := decode[struct{ Error eventcore.Error }](a.t, string(result.StructuredContent)).Error
	if e.Message == "" || e.Hint == "" {
		a.t.Errorf("%s %v: an error without message or hint: %s", name, args, result.StructuredContent)
	}
	return e
}
