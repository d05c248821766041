package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// placeInterval is how often a bus looks whether its lock and its socket are still there.
const placeInterval = 2 * time.Second

// errDisplaced is wrapped by the error of a bus whose lock or socket was taken away.
var errDisplaced = errors.New("the state directory was removed or replaced under the bus")

// watchPlace ends a bus that nobody can find any more. The next consumer starts another one, and two connections of
// one app would each get a part of its events.
func (b *Bus) watchPlace(ctx context.Context) {
	ticker := time.NewTicker(placeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := b.displaced(); err != nil {
			b.log.Error("the bus ends, because it cannot be found any more", "error", err)
			b.stop(err)
			return
		}
	}
}

// displaced returns an error if the lock or the socket at their paths are not this bus's. What cannot be found out
// is no reason to end.
func displaced(app statedir.App, lock *busdiscover.Lock, listener transport.Listener) error {
	what := "lock"
	if err := lock.Check(); !errors.Is(err, busdiscover.ErrLost) {
		if listener.Reachable() {
			return nil
		}
		what = "socket"
	}
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the bus's %s in %s was removed or replaced while it ran", what, app.Dir),
		Hint:    "start the bus again; run lark-events-mcp stop before removing or moving the state directory",
		Cause:   errDisplaced,
	}
}
