package main

import (
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
)

const busLong = `Run the bus of the app in the foreground: it holds the long connection, keeps every event in the
journal, and serves the agents on this machine.

You rarely need this: the first agent that subscribes starts a bus in the background, which ends 30 s after its
last agent has left. Run it yourself with --keep-alive, under a service manager, to receive events also while no
agent is there.

What the journal keeps is bounded by --retention and --retention-size, or by LARK_EVENTS_RETENTION and
LARK_EVENTS_RETENTION_SIZE for a bus that is started in the background.`

func newBusCommand(g *globals) *cobra.Command {
	var keepAlive, onDemand bool
	var idle time.Duration
	var age, size string
	cmd := &cobra.Command{
		Use: "bus", Short: "The event bus of the app, in the foreground", Long: busLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := g.logger(slog.LevelInfo)
			if err != nil {
				return err
			}
			cfg, err := loadConfig()
			if err != nil {
				return err
			}
			cfg.warn(log)
			app, err := cfg.requireApp()
			if err != nil {
				return err
			}
			if err := cfg.requireSecret(); err != nil {
				return err
			}
			opts := busOptions(cfg, app, log)
			opts.KeepAlive, opts.Idle = keepAlive, idle
			if opts.Retention, err = retention(age, size); err != nil {
				return err
			}
			err = bus.Run(cmd.Context(), opts)
			if onDemand && errors.Is(err, busdiscover.ErrHeld) {
				return nil // whoever started this one finds the other
			}
			return explainHeld(app, err)
		},
	}
	cmd.Flags().BoolVar(&keepAlive, "keep-alive", false, "go on without agents")
	cmd.Flags().DurationVar(&idle, "idle", bus.DefaultIdle, "end this long after the last agent has left")
	cmd.Flags().StringVar(&age, "retention", "", "keep events this long, such as 12h or 7d (default 7d)")
	cmd.Flags().StringVar(&size, "retention-size", "", "keep at most this much, such as 64MiB or 1GiB (default 256MiB)")
	cmd.Flags().BoolVar(&onDemand, "on-demand", false, "started by an agent: another bus is no error")
	cmd.Flags().MarkHidden("on-demand")
	return cmd
}
