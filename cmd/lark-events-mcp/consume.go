package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

const consumeLong = `Print the events of a key as they arrive, one JSON object a line: event_id, key, event_type, time, cursor, data,
and error if the event could not be processed.

It prints "ready key=KEY" on stderr once events can arrive, and there, too, how the connection to the platform changes
later. A --timeout that passes before events can arrive is a failure. To go on where an earlier run ended, pass the cursor of
the last line you have handled to --from.

--jq runs a jq expression on each event's data: false, null and empty drop the event, true prints it whole, and
anything else is printed instead of it, as jq prints it.`

const consumeExample = `  lark-events-mcp consume im.message.receive_v1 --param chat_type=p2p --jq .content
  lark-events-mcp consume im.message.receive_v1 --from 30m --max-events 10 --timeout 5s`

const (
	consumePage = consume.MaxPage
	// consumeWait is how long a read waits for an event, and so, how late a change of the connection is told.
	consumeWait    = 5 * time.Second
	cleanupTimeout = 5 * time.Second
	// consumeGC lets the heap grow to five times of what is in use, which is next to nothing, before it is collected: a
	// page is gone once it is printed.
	consumeGC = 400
)

// consumeFlags are the flags of consume.
type consumeFlags struct {
	params  []string
	jq      string
	from    string
	max     int
	timeout time.Duration
	demo    bool
}

func newConsumeCommand(g *globals) *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use: "consume KEY", Short: "Print the events of a key, one JSON object a line", Long: consumeLong,
		Example: consumeExample, Args: oneKey,
		PreRun: registerKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := g.logger(slog.LevelWarn)
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), args[0], log)
		},
	}
	cmd.Flags().StringArrayVar(&f.params, "param", nil, "a param of the key as name=value; may be repeated")
	cmd.Flags().StringVar(&f.jq, "jq", "", "a jq expression on each event's data")
	cmd.Flags().StringVar(&f.from, "from", "now", "now, earliest, a cursor, or an age such as 30m")
	cmd.Flags().IntVar(&f.max, "max-events", 0, "end after this many events (default: never)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 0, "end after this long (default: never)")
	cmd.Flags().BoolVar(&f.demo, "demo", false, "on a simulated platform in this process, without an account")
	return cmd
}

// run consumes until it has what it should, the time is over, or nobody reads any more.
func (f *consumeFlags) run(ctx context.Context, key string, log *slog.Logger) (err error) {
	if f.max < 0 || f.timeout < 0 {
		return usageError{errors.New("--max-events and --timeout must not be negative")}
	}
	def, ok := eventcore.Lookup(key)
	if !ok {
		return eventcore.UnknownKey(key)
	}
	params, err := parseParams(f.params)
	if err != nil {
		return err
	}
	sandbox := newSandbox()
	defer sandbox.Close()
	filter, err := consume.CompileFilter(ctx, f.jq, def, sandbox)
	if err != nil {
		return err
	}
	client, closeAccess, err := f.client(ctx, log)
	if err != nil {
		return err
	}
	defer closeAccess()
	defer func() {
		// The cleanups run also after an interrupt.
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		err = errors.Join(err, client.Close(closeCtx))
	}()
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	onStdoutClosed(cancel)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(consumeGC)
	}
	err = f.print(ctx, client, consume.Request{Key: key, Params: params, From: f.from}, &eventPrinter{out: os.Stdout, jq: filter, left: f.max})
	if errors.Is(err, errUnread) {
		fmt.Fprintln(os.Stderr, "warning: stdout is not read; its last line may be cut short")
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) && f.timeout > 0, errors.Is(err, errEnough), errors.Is(err, syscall.EPIPE):
		return nil
	case errors.Is(err, context.Canceled) && stdoutClosed():
		return nil
	}
	return err
}

// client returns the consumer, on the app of the environment or on the demo.
func (f *consumeFlags) client(ctx context.Context, log *slog.Logger) (*consume.Client, func(), error) {
	if f.demo {
		d, err := startDemo(ctx, log)
		if err != nil {
			return nil, nil, err
		}
		d.playForever()
		return d.access.client("consume"), d.close, nil
	}
	cfg, err := loadConfig()
	if err != nil {
		return nil, nil, err
	}
	cfg.warn(log)
	access, err := realAccess(cfg, log)
	if err != nil {
		return nil, nil, err
	}
	return access.client("consume"), func() {}, nil
}

// print subscribes, says so, and prints pages until something ends it.
func (f *consumeFlags) print(ctx context.Context, client *consume.Client, req consume.Request, printer *eventPrinter) error {
	told := &announcer{out: os.Stderr, key: req.Key}
	sub, _, err := client.Subscribe(ctx, req)
	if err != nil {
		return f.unready(ctx, told, client.Source(), err)
	}
	for _, warning := range sub.Warnings() {
		fmt.Fprintln(os.Stderr, "warning:", warning)
	}
	state, err := client.AwaitSource(ctx)
	if err != nil {
		return f.unready(ctx, told, state, err)
	}
	told.tell(state)
	at := []consume.At{{Subscription: sub, Cursor: sub.Start}}
	for {
		page, err := client.Read(ctx, at, consume.Limit{Events: consumePage}, consumeWait)
		if err != nil {
			return f.unready(ctx, told, client.Source(), err)
		}
		told.tell(page.Source)
		if page.Truncated {
			fmt.Fprintln(os.Stderr, "some events after the given cursor are no longer retained; going on with the oldest")
		}
		if err := printer.print(ctx, page.Events); err != nil {
			return err
		}
		at[0].Cursor = page.Next[0]
	}
}

// parseParams reads name=value pairs.
func parseParams(pairs []string) (map[string]any, error) {
	params := map[string]any{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--param %q: write it as name=value", pair)}
		}
		if _, twice := params[name]; twice {
			return nil, usageError{fmt.Errorf("--param %s is given twice; several values of one param are separated by commas", name)}
		}
		params[name] = value
	}
	return params, nil
}
