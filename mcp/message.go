package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// codeBusy is the JSON-RPC error code, from the range left to servers, for too many requests at once.
const codeBusy = -32000

// message is one JSON-RPC message from a client. An id makes it a request; a method without one, a notification.
type message struct {
	raw    json.RawMessage
	id     json.RawMessage
	method string
}

// rpcError is a JSON-RPC error.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// parseMessage reads one message and returns, if it is none, the error to answer and the id to answer it to.
func parseMessage(raw []byte) (message, *rpcError) {
	var head struct {
		ID     json.RawMessage `json:"id"`
		Method *string         `json:"method"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		switch {
		case !json.Valid(raw):
			return message{}, &rpcError{Code: mcpgo.PARSE_ERROR, Message: "the message is not JSON: " + err.Error()}
		case raw[0] == '[':
			return message{}, &rpcError{Code: mcpgo.INVALID_REQUEST,
				Message: "batches are not supported; send each message by itself"}
		}
		return message{}, &rpcError{Code: mcpgo.INVALID_REQUEST, Message: "the message is not a JSON-RPC object with a method"}
	}
	msg := message{raw: raw, id: head.ID}
	switch {
	case head.Method != nil:
		msg.method = *head.Method
	case len(head.Result) > 0 || len(head.Error) > 0:
		// An answer, though this server asks nothing of its clients.
		return message{}, nil
	}
	if msg.method == "" {
		return msg, &rpcError{Code: mcpgo.INVALID_REQUEST, Message: "the message has no method"}
	}
	if len(msg.id) > 0 && idKey(msg.id) == "" {
		msg.id = nil
		return msg, &rpcError{Code: mcpgo.INVALID_REQUEST, Message: "the id of a request must be a string or a number"}
	}
	return msg, nil
}

func (m message) isRequest() bool { return len(m.id) > 0 }

// idKey returns a form of an id by which equal ids are equal, or "" if it is neither a string nor a number.
func idKey(id json.RawMessage) string {
	var text string
	var number json.Number
	switch {
	case bytes.HasPrefix(id, []byte(`"`)) && json.Unmarshal(id, &text) == nil:
		return "string " + text
	case !bytes.Equal(id, []byte("null")) && json.Unmarshal(id, &number) == nil:
		return "number " + number.String()
	}
	return ""
}

// cancelledID returns the id of the request that a notifications/cancelled is about, or nil if it names none.
func cancelledID(raw json.RawMessage) json.RawMessage {
	var notification struct {
		Params struct {
			RequestID json.RawMessage `json:"requestId"`
		} `json:"params"`
	}
	if json.Unmarshal(raw, &notification) != nil {
		return nil
	}
	return notification.Params.RequestID
}

// encode returns v as one line of JSON, without its line break. The line is UTF-8, as MCP demands: what v holds as raw
// JSON (a client's id, an event of an older journal) goes out as it is, and may hold other bytes; they become U+FFFD.
func encode(v any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	text := bytes.TrimSuffix(line.Bytes(), []byte("\n"))
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return text, nil
}

// encodeError returns an error answer; an empty id becomes null.
func encodeError(id json.RawMessage, problem *rpcError) []byte {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	answer := struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   *rpcError       `json:"error"`
	}{mcpgo.JSONRPC_VERSION, id, problem}
	line, err := encode(answer)
	if err != nil {
		// Only Data can be at fault: the rest is strings.
		answer.Error = &rpcError{Code: problem.Code, Message: problem.Message}
		line, _ = encode(answer)
	}
	return line
}

// encodeNotification returns a notification; params is any JSON object.
func encodeNotification(method string, params any) ([]byte, error) {
	return encode(struct {
		JSONRPC string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{mcpgo.JSONRPC_VERSION, method, params})
}

// clip shortens what a client sent, for use in a message.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
