package busctl_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

func TestStatusAndStop(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	b.Source.Send(t, testutil.Events(1, 3, "t.a")...)
	status, err := busctl.Status(t.Context(), b.App)
	if err != nil {
		t.Fatal(err)
	}
	if status.AppID != "cli_test" || status.Journal.Events != 3 || status.Counters.Journaled != 3 || len(status.Consumers) != 0 {
		t.Errorf("status %+v", status)
	}
	if err := busctl.Stop(t.Context(), b.App); err != nil {
		t.Fatal(err)
	}
	<-b.Done
	if _, err := busctl.Status(t.Context(), b.App); !errors.Is(err, transport.ErrNoBus) {
		t.Errorf("after the stop: %v, want ErrNoBus", err)
	}
}

func TestABusThatDoesNotAnswerIsNotWaitedForLongerThanAsked(t *testing.T) {
	app := testutil.Home(t).App("cli_test")
	if err := app.Create(); err != nil {
		t.Fatal(err)
	}
	listener, err := transport.Listen(app.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := busctl.Status(ctx, app); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}
