package main

import (
	"os"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// A bus that an agent started in the place of the stopped one is neither waited for nor asked to end. Here it is this process.
func TestStopLeavesTheNextBusAlone(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := busdiscover.Acquire(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	next, ok := busdiscover.Running(app)
	if !ok || next.PID != os.Getpid() {
		t.Fatalf("the bus that runs is %+v, %v", next, ok)
	}
	if err := stopBus(t.Context(), busdiscover.Bus{App: app, PID: next.PID + 1}); err != nil {
		t.Error(err)
	}
}
