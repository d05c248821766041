package main

import (
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

func TestStatusSaysOnceThatOthersAreConnected(t *testing.T) {
	status := &protocol.Status{AppID: "cli_test", Started: time.Now(), Source: source.State{
		Phase: source.Connected, OnlineConnections: 2,
		Detail: "the app has 2 connections open; each event goes to only one of them",
	}}
	var out strings.Builder
	if err := printStatus(&out, []busReport{{App: "cli_test", Status: status}}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "only one of them"); n != 1 {
		t.Errorf("it says so %d times:\n%s", n, out.String())
	}
}
