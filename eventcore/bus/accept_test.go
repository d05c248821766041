package bus

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// deafListener accepts nothing.
type deafListener struct{ net.Listener }

func (deafListener) Accept() (net.Conn, error) { return nil, syscall.EMFILE }
func (deafListener) Close() error              { return nil }

// quietSource has no events.
type quietSource struct{}

func (quietSource) Run(ctx context.Context, _ source.Sink) error {
	<-ctx.Done()
	return ctx.Err()
}

// runDeaf runs a bus that can accept nobody for as long as ctx allows.
func runDeaf(t *testing.T, ctx context.Context) error {
	log, err := journal.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	logger := slog.New(slog.DiscardHandler)
	scopes, err := openScopes(filepath.Join(t.TempDir(), "scopes"), logger)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Source: quietSource{}, KeepAlive: true, Logger: logger, Retention: journal.DefaultRetention}
	return newBus(opts, log, scopes).run(ctx, deafListener{})
}

func TestABusOutlivesAFailureToAcceptThatMayPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := runDeaf(t, ctx); err != nil || ctx.Err() == nil {
			t.Errorf("the bus ended early, or with %v", err)
		}
	})
}

func TestABusThatCanAcceptNobodyEndsWithTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := runDeaf(t, t.Context()); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("the bus ended with %v", err)
		}
	})
}
