package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// DefaultIdle is how long a bus without consumers goes on.
const DefaultIdle = 30 * time.Second

// Options configures a bus.
type Options struct {
	App    statedir.App
	Source source.Source
	// Domain is the platform's address, for the status and against consumers of another; see protocol.Hello.
	Domain string
	// Credentials is the fingerprint of the secret the source uses; see protocol.Hello.
	Credentials string
	// KeepAlive keeps the bus running without consumers; otherwise it ends after Idle (0: [DefaultIdle]).
	KeepAlive bool
	Idle      time.Duration
	// Retention bounds the journal; the zero value means journal.DefaultRetention.
	Retention journal.Retention
	// Binary is the program's version.
	Binary string
	// Logger gets diagnostics; nil discards them.
	Logger *slog.Logger
	// Ready, if not nil, is called once consumers can connect.
	Ready func()
}

// Bus is the state that the parts of a running bus share; each part guards its own.
type Bus struct {
	opts    Options
	log     *slog.Logger
	started time.Time

	journal   journal.Journal
	ingest    *ingest
	recent    *recent
	waiters   *waiters
	source    *sourceState
	scopes    *scopes
	consumers *consumers
	requests  atomic.Int64 // under way, of all connections
	acks      durations    // from the arrival of frames to their acknowledgement
	displaced func() error // whether the bus's files are still its own; see watchPlace
	wall      func() time.Time
	// unreadable is what was first found to be wrong with the journal, for people to mend.
	unreadable atomic.Pointer[eventcore.Error]
	// life ends, by stop, when there is a reason to end.
	life context.Context
	stop context.CancelCauseFunc
}

// The causes of an orderly end, beside errRefused.
var (
	errIdle    = errors.New("no consumers")
	errStopped = errors.New("told to stop")
	errEnded   = errors.New("ended by a signal") // the end of Run's context
)

// Run is the bus of opts.App, until ctx ends, a consumer tells it to stop, or nobody has used it for a while; it
// returns nil then. It returns busdiscover.ErrHeld if the app has a bus already, an [*eventcore.Error] if the state
// directory, the socket or the journal cannot be used or is taken away while it runs, and another error if consumers
// cannot be accepted for long. A source that the platform refused does not end it.
func Run(ctx context.Context, opts Options) (err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Idle <= 0 {
		opts.Idle = DefaultIdle
	}
	if opts.Retention == (journal.Retention{}) {
		opts.Retention = journal.DefaultRetention
	}
	if err := opts.App.Create(); err != nil {
		return err
	}
	lock, err := busdiscover.Acquire(ctx, opts.App)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	log, err := journal.OpenSQLite(ctx, opts.App.Journal(), journal.WithLogger(opts.Logger))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var reserving sync.WaitGroup
	reserving.Go(func() {
		if err := log.Reserve(); err != nil {
			opts.Logger.Warn("the first events will take longer to store", "error", err)
		}
	})
	defer reserving.Wait()
	scopes, err := openScopes(opts.App.Scopes(), opts.Logger)
	if err != nil {
		return err
	}
	listener, err := transport.Listen(opts.App.Socket())
	if err != nil {
		return err
	}
	defer listener.Close()
	b := newBus(opts, log, scopes)
	here := place{app: opts.App, lock: lock, listener: listener}
	if here.journal, err = os.Stat(opts.App.Journal()); err != nil {
		return err
	}
	b.displaced = here.check
	return b.run(ctx, listener)
}

func newBus(opts Options, log journal.Journal, scopes *scopes) *Bus {
	b := &Bus{opts: opts, log: opts.Logger, started: time.Now(), journal: log, scopes: scopes}
	b.recent = newRecent()
	b.waiters = newWaiters()
	b.source = newSourceState(b.log)
	b.consumers = newConsumers()
	b.ingest = newIngest(log, b.log, b.recent.add, b.waiters.wake)
	b.ingest.tell = b.source.setUnstored
	b.displaced = func() error { return nil }                // a bus without files has none to lose
	b.wall = func() time.Time { return time.Now().Round(0) } // without the monotonic reading, which knows no leaps
	return b
}

// run starts the parts, waits for a reason to end, and ends them in the order of the events' way, so that what the
// source has delivered is still stored. The acknowledgement may come too late for the connection; the next bus finds
// in the journal what Lark then delivers again.
func (b *Bus) run(parent context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancelCause(context.WithoutCancel(parent))
	defer stop(nil)
	defer context.AfterFunc(parent, func() { stop(errEnded) })()
	b.life, b.stop = ctx, stop
	if err := b.startHead(ctx); err != nil {
		return err
	}
	var receiving, storing, serving sync.WaitGroup
	storeCtx, endStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer endStoring()
	serveCtx, endServing := context.WithCancel(context.WithoutCancel(ctx))
	defer endServing()
	storing.Go(func() { b.ingest.run(storeCtx) })
	storing.Go(func() { b.retain(storeCtx) })
	receiving.Go(func() { b.receive(ctx) })
	receiving.Go(func() { b.watchIdle(ctx) })
	receiving.Go(func() { b.watchPlace(ctx) })
	serving.Go(func() { b.serve(serveCtx, listener) })
	b.log.Info("bus is ready", "app_id", b.opts.App.ID, "journal", b.journal.ID())
	if b.opts.Ready != nil {
		b.opts.Ready()
	}

	<-ctx.Done()
	b.log.Info("bus ends", "reason", context.Cause(ctx).Error())
	listener.Close()
	if b.endWanted() {
		b.tellStopping()
	}
	endServing()
	receiving.Wait()
	endStoring()
	storing.Wait()
	serving.Wait()
	switch cause := context.Cause(ctx); cause {
	case errEnded, errStopped, errIdle, errRefused:
		return nil
	default:
		return cause
	}
}

// endWanted reports whether somebody ends the bus. Who does so by a signal wants no bus, or is a service manager that
// starts the next one itself: a consumer that were not told would start one of its own at once.
func (b *Bus) endWanted() bool {
	cause := context.Cause(b.life)
	return cause == errStopped || cause == errEnded
}

// startHead tells the memory of recent events where the journal stands.
func (b *Bus) startHead(ctx context.Context) error {
	head, err := b.journal.Head(ctx)
	if err != nil {
		return fmt.Errorf("find the journal's head: %w", err)
	}
	b.recent.start(head)
	return nil
}

// receive runs the source. After a final refusal it waits until somebody who may have mended the cause connects.
func (b *Bus) receive(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.opts.Source.Run(ctx, &sink{ingest: b.ingest, state: b.source, acks: &b.acks})
		if ctx.Err() != nil {
			return
		}
		b.log.Error("the platform refused the long connection", "error", err)
		refusal := eventcore.AsError(err)
		b.source.fail(refusal)
		select {
		case <-ctx.Done():
		case <-b.source.retry:
		}
	}
}

// sink is what the source sees of the bus.
type sink struct {
	ingest *ingest
	state  *sourceState
	acks   *durations
}

func (s *sink) Deliver(ctx context.Context, event source.Event) error {
	return s.ingest.deliver(ctx, event)
}
func (s *sink) SetState(state source.State)     { s.state.set(state) }
func (s *sink) Malformed(detail string)         { s.ingest.malformed(detail) }
func (s *sink) Acknowledged(took time.Duration) { s.acks.observe(took) }
