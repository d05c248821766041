package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// agent is a client of an MCP server on stdio. It has one request under way at a time.
type agent struct {
	*process
	lastID int
}

// agent starts a server and makes the handshake.
func (s *setting) agent(ctx context.Context, program string, args ...string) (*agent, error) {
	p, err := s.start(ctx, program, args...)
	if err != nil {
		return nil, err
	}
	a := &agent{process: p}
	if _, err := a.call("initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": "bench", "version": "1"},
	}); err != nil {
		return nil, err
	}
	return a, a.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
}

// subscriber starts our server and subscribes to messages.
func (s *setting) subscriber(ctx context.Context) (*agent, error) {
	a, err := s.agent(ctx, s.bench.binary)
	if err != nil {
		return nil, err
	}
	_, err = a.tool("subscribe_event", map[string]any{"key": messageKey})
	return a, err
}

func (a *agent) send(message map[string]any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return a.write(append(line, '\n'))
}

// begin sends a request, whose answer is to be taken with [agent.answer].
func (a *agent) begin(method string, params any) error {
	a.lastID++
	return a.send(map[string]any{"jsonrpc": "2.0", "id": a.lastID, "method": method, "params": params})
}

// answer returns the line that answers the latest request, and when it was there.
func (a *agent) answer() (line []byte, at time.Time, err error) {
	for {
		if line, err = a.line(); err != nil {
			return nil, at, err
		}
		at = time.Now()
		var answer struct {
			ID     int             `json:"id"`
			Error  json.RawMessage `json:"error"`
			Result struct {
				IsError bool `json:"isError"`
			} `json:"result"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return nil, at, fmt.Errorf("decode %.200s: %w", line, err)
		}
		switch {
		case answer.ID != a.lastID: // a notification
		case answer.Error != nil || answer.Result.IsError:
			return nil, at, fmt.Errorf("the server refused: %.500s", line)
		default:
			return line, at, nil
		}
	}
}

func (a *agent) call(method string, params any) (line []byte, err error) {
	if err := a.begin(method, params); err != nil {
		return nil, err
	}
	line, _, err = a.answer()
	return line, err
}

func (a *agent) beginTool(name string, args map[string]any) error {
	return a.begin("tools/call", map[string]any{"name": name, "arguments": args})
}

func (a *agent) tool(name string, args map[string]any) (line []byte, err error) {
	if err := a.beginTool(name, args); err != nil {
		return nil, err
	}
	line, _, err = a.answer()
	return line, err
}
