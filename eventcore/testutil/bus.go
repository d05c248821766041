package testutil

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// Home returns a state directory with a path short enough for sockets, which a test's own directory may not be.
// It is removed at the end of the test.
func Home(t testing.TB) statedir.Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "lark-events-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return statedir.Home(dir)
}

// RunningBus is a bus in the test's process.
type RunningBus struct {
	App    statedir.App
	Source *Source
	// Stop ends the bus and waits for its end. It may be called more than once.
	Stop func()
	// Done is closed when the bus has ended, by itself or not.
	Done <-chan struct{}
}

// StartBus runs a bus with a source of its own and waits until it is ready. Change may adjust the options. The
// bus ends with the test; that it ends with an error fails the test.
func StartBus(t testing.TB, app statedir.App, change ...func(*bus.Options)) *RunningBus {
	t.Helper()
	src := NewSource()
	ready, done := make(chan struct{}), make(chan struct{})
	opts := bus.Options{App: app, Source: src, KeepAlive: true, Ready: sync.OnceFunc(func() { close(ready) })}
	for _, f := range change {
		f(&opts)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var runErr error
	go func() {
		defer close(done)
		runErr = bus.Run(ctx, opts)
	}()
	running := &RunningBus{App: app, Source: src, Done: done, Stop: sync.OnceFunc(func() {
		cancel()
		<-done
		if runErr != nil {
			t.Errorf("the bus ended with: %v", runErr)
		}
	})}
	t.Cleanup(running.Stop)
	select {
	case <-ready:
	case <-done:
		t.Fatalf("the bus did not start: %v", runErr)
	}
	return running
}
