//go:build unix

package bus_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestABusWhoseFilesAreTakenAwayEndsAndLeavesThePlaceToTheNext(t *testing.T) {
	for name, remove := range map[string]func(home, socket string) error{
		"the state directory": func(home, _ string) error { return os.RemoveAll(home) },
		"the socket":          func(_, socket string) error { return os.Remove(socket) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := testutil.Home(t)
			app := home.App("cli_test")
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
			if err := remove(string(home), app.Socket()); err != nil {
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
