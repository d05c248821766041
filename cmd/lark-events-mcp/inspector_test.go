//go:build unix

package main_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// inspector is the version that the test is written for; later ones have other options and need a later Node.
const inspector = "@modelcontextprotocol/inspector@0.15.0"

// inspect runs the MCP Inspector's command line on the binary, on the simulated platform, and returns its answer.
func inspect(t *testing.T, args ...string) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := append([]string{"-y", inspector, "--cli", binary, "serve", "--demo"}, args...)
	cmd := exec.CommandContext(ctx, "npx", command...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("npx %v: %v\n%s", command, err, out)
	}
	var answer map[string]any
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("npx %v: %v\n%s", command, err, out)
	}
	return answer
}

func TestTheInspectorListsCallsAndReads(t *testing.T) {
	needsNode(t)
	if tools, _ := inspect(t, "--method", "tools/list")["tools"].([]any); len(tools) != 6 {
		t.Errorf("tools/list: %d tools, want 6", len(tools))
	}
	found := inspect(t, "--method", "tools/call", "--tool-name", "list_event_keys", "--tool-arg", "query=message")
	if content, _ := found["structuredContent"].(map[string]any); content["keys"] == nil {
		t.Errorf("tools/call: %v", found)
	}
	if resources, _ := inspect(t, "--method", "resources/list")["resources"].([]any); len(resources) < 2 {
		t.Errorf("resources/list: %v", resources)
	}
	if templates, _ := inspect(t, "--method", "resources/templates/list")["resourceTemplates"].([]any); len(templates) != 3 {
		t.Errorf("resources/templates/list: %v", templates)
	}
	read := inspect(t, "--method", "resources/read", "--uri", "lark-event://keys/im.message.receive_v1")
	if contents, _ := read["contents"].([]any); len(contents) != 1 {
		t.Errorf("resources/read: %v", read)
	}
}
