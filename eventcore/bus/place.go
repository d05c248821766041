package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// placeInterval is how often a bus looks whether its files are still its own.
const placeInterval = 2 * time.Second

// watchPlace ends a bus whose files were taken away. The next consumer starts another one; two connections of one app
// would each get a part of its events.
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
			b.log.Error("the bus ends, because its files were taken away", "error", err)
			b.stop(err)
			return
		}
	}
}

// place is what a bus has in the state directory.
type place struct {
	app      statedir.App
	lock     *busdiscover.Lock
	listener transport.Listener
	journal  fs.FileInfo
}

// check returns an error if a file of the bus was removed, or another one is in its place: without lock and socket it
// cannot be found, and what it appends to a journal that has no name is lost with the process. What cannot be found out
// is no reason to end.
func (p *place) check() error {
	var what string
	journal, err := os.Stat(p.app.Journal())
	switch {
	case errors.Is(p.lock.Check(), busdiscover.ErrLost):
		what = "lock"
	case !p.listener.Reachable():
		what = "socket"
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(journal, p.journal):
		what = "journal"
	default:
		return nil
	}
	return &eventcore.Error{
		Code:    eventcore.CodeBusUnavailable,
		Message: fmt.Sprintf("the bus's %s in %s was removed or replaced while it ran", what, p.app.Dir),
		Hint:    "start the bus again; run lark-events-mcp stop before removing or moving the state directory",
	}
}
