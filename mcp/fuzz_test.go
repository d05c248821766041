package mcp

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// said returns what clients say in the transcripts, which is a good part of what can be said, by transcript.
func said(f *testing.F) map[string][]string {
	all := map[string][]string{}
	for _, pattern := range []string{"*.transcript", "*.txtar"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if message, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
					all[file] = append(all[file], message)
				}
			}
		}
	}
	return all
}

// nasty are messages, one a line, that no transcript has.
var nasty = []string{
	`{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n" + `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n" + `{"jsonrpc":"2.0","id":"1","method":"ping"}`,
	`{"jsonrpc":"2.0","id":1e400,"method":"ping"}`, `{"jsonrpc":"2.0","id":12345678901234567890123,"method":"tools/list"}`, `{"id":"\ud800","method":"ping"}`,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"poll_events","arguments":{"wait_seconds":50,"cursor":"_0.j"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
	`{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"notifications":{"resourcesListChanged":true},"_meta":` + modernMeta + `}}`,
	`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":` + modernMeta + `}}`, `{"jsonrpc":"2.0","id":3,"method":"server/discover","params":{"_meta":` + modernMeta + `}}`,
	`{"jsonrpc":"2.0","id":4,"method":"events/poll","params":{"name":"` + messageKey + `","cursor":"_a.j","maxAgeMs":-1,"_meta":` + modernMeta + `}}`,
	`{"jsonrpc":"2.0","id":5,"method":"events/list","params":{"cursor":"AAAA","pattern":"*","_meta":` + modernMeta + `}}`,
	`{"jsonrpc":"2.0","id":6,"method":"resources/read","params":{"uri":"lark-event://keys/%00%2e%2e/x"}}`, `{"jsonrpc":"2.0","id":7,"method":"prompts/get","params":{"name":""}}`,
	`{"jsonrpc":"2.0","id":8,"method":"tools/list","params":{"cursor":"bm93"}}`, `{"jsonrpc":"2.0","id":9,"method":"completion/complete","params":{"ref":{}}}`,
	`{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"subscribe_event","arguments":{"key":"` + messageKey + `","filter":".x","from":"-1h","push":"x"}}}`,
	"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}", `{"ID":1,"Method":"ping","METHOD":"tools/list"}`, `{"id":1,"method":"ping","params":[]}`, "\x00", "\r\n\r\n{}\r\n",
	`{"jsonrpc":"2.0","id":11,"method":"logging/setLevel","params":{"level":9}}`, `{"method":"notifications/initialized"}`, `{"id":1,"result":{}}`, `{"id":1,"error":1}`,
	strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), `{"id":1,"method":"ping","params":` + strings.Repeat(`{"a":`, 9_000) + `1` + strings.Repeat("}", 9_000) + `}`,
}

// Whatever a client writes, the server ends when it hangs up, and all that it says are messages: at most one answer to
// each request, and none to what was no request.
func FuzzStdio(f *testing.F) {
	for _, messages := range said(f) {
		f.Add([]byte(strings.Join(messages, "\n")))
	}
	for _, lines := range nasty {
		f.Add([]byte(lines))
	}
	f.Fuzz(func(t *testing.T, lines []byte) {
		registerKeys(t, messageDefinition(), reactionDefinition())
		synctest.Test(t, func(t *testing.T) {
			consumer := newFakeConsumer()
			consumer.publish(messageKey, `{"text":"1"}`, `!{"text":"2"}`)
			c := serve(t, consumer)
			go func() {
				c.in.Write(lines)
				c.in.Close()
			}()
			output, err := io.ReadAll(c.out)
			if err != nil {
				t.Error(err)
			}
			c.wait()
			asked := map[string]int{}
			for line := range bytes.Lines(lines) {
				if msg, problem := parseMessage(bytes.TrimSpace(line)); problem == nil && msg.isRequest() {
					asked[sameID(msg.id)]++
				} else if problem != nil && len(msg.id) > 0 {
					asked[sameID(msg.id)]++
				}
			}
			for line := range bytes.Lines(output) {
				if id, ok := checkMessage(t, line); ok && id != "null" {
					if asked[id]--; asked[id] < 0 {
						t.Errorf("%s answers to nothing that was asked", line)
					}
				}
			}
		})
	})
}

// sameID is an id as an answer has it.
func sameID(id json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, id) != nil {
		return string(id)
	}
	return string(bytes.ToValidUTF8(compact.Bytes(), []byte("\uFFFD")))
}

// checkMessage fails the test unless line is a message of a server, and returns its id if it is an answer.
func checkMessage(t *testing.T, line []byte) (id string, isAnswer bool) {
	var message struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Result  json.RawMessage `json:"result"`
		Error   *rpcError       `json:"error"`
	}
	if err := json.Unmarshal(line, &message); err != nil || !utf8.Valid(line) || message.JSONRPC != mcpgo.JSONRPC_VERSION {
		t.Errorf("the server says %q: %v", line, err)
	}
	isAnswer = message.Method == ""
	switch {
	case isAnswer && (len(message.ID) == 0 || (len(message.Result) > 0) == (message.Error != nil)), !isAnswer && len(message.ID) > 0:
		t.Errorf("the server says %s", line)
	case message.Error != nil && (message.Error.Message == "" || message.Error.Code == 0 || message.Error.Code == mcpgo.INTERNAL_ERROR):
		t.Errorf("the server says of an error: %s", line)
	}
	return string(message.ID), isAnswer
}
