//go:build unix

package bus_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestABusWhoseFilesAreTakenAwayEndsAndLeavesThePlaceToTheNext(t *testing.T) {
	for name, remove := range map[string]func(app statedir.App) error{
		"the folder":  removeFolder,
		"the socket":  func(app statedir.App) error { return os.Remove(app.Socket()) },
		"the journal": func(app statedir.App) error { return os.Remove(app.Journal()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := testutil.Home(t).App("cli_test")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ready, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- bus.Run(ctx, bus.Options{
					App: app, Source: testutil.NewSource(), KeepAlive: true, Ready: func() { close(ready) },
				})
			}()
			select {
			case <-ready:
			case err := <-ended:
				t.Fatal(err)
			}
			if err := remove(app); err != nil {
				t.Fatal(err)
			}
			if _, held := busdiscover.Running(app); !held {
				testutil.StartBus(t, app) // while the first one runs
			}
			if err := <-ended; !eventcore.IsCode(err, eventcore.CodeBusUnavailable) || errors.Is(err, busdiscover.ErrHeld) {
				t.Errorf("the bus ended with %v", err)
			}
			if _, held := busdiscover.Running(app); !held {
				testutil.StartBus(t, app)
			}
			w := dial(t, &testutil.RunningBus{App: app})
			w.send(hello)
			if answer, ok := w.receive(); !ok || answer.Welcome == nil {
				t.Errorf("the next bus answers %+v", answer)
			}
		})
	}
}

func removeFolder(app statedir.App) error {
	for {
		if err := os.RemoveAll(app.Dir); !errors.Is(err, syscall.ENOTEMPTY) {
			return err
		} // the bus was just making a file in it
	}
}
