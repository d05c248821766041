package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

const (
	// stopTimeout is how long a bus may take to end after it said that it does.
	stopTimeout = 10 * time.Second
	stopLook    = 20 * time.Millisecond
)

const stopLong = `Stop the bus of the app that LARK_APP_ID names, or with --all every bus on this machine. Events that were
acknowledged are in the journal; the platform delivers others again. Agents that listen are told, and start no new
bus until they are asked to subscribe again.`

func newStopCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "stop", Short: "Stop the bus of the app", Long: stopLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			buses, err := busesToStop(all)
			if err != nil {
				return err
			}
			if len(buses) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "No bus is running.")
				return printed(err)
			}
			var failed []error // one that does not end keeps none of the others
			for _, b := range buses {
				pid, err := stopBus(cmd.Context(), b)
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "Stopped the bus of %s (process %d).\n", b.App.ID, pid)
					err = printed(err)
				}
				failed = append(failed, err)
			}
			return errors.Join(failed...)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every bus on this machine")
	return cmd
}

// busesToStop returns the running buses that are meant. It needs no more than the app's id: a bus must be stoppable also
// when what else the environment says is wrong.
func busesToStop(all bool) ([]busdiscover.Bus, error) {
	home, err := stateHome()
	if err != nil {
		return nil, err
	}
	if all {
		return busdiscover.List(home)
	}
	cfg := config{appID: appID(), home: home}
	app, err := cfg.requireApp()
	if err != nil {
		return nil, fmt.Errorf("%w; or use --all", err)
	}
	if b, ok := busdiscover.Running(app); ok {
		return []busdiscover.Bus{b}, nil
	}
	return nil, nil
}

// stopBus tells a bus to end, waits until it has, and returns its process. Another one may have taken its place by then, for
// an agent that was just subscribing.
func stopBus(ctx context.Context, b busdiscover.Bus) (pid int, err error) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	err = busctl.Stop(ctx, b.App)
	unheard := errors.Is(err, transport.ErrNoBus) // it opens its journal, which may take long, or it ends already
	if err != nil && !unheard {
		return 0, fmt.Errorf("%w; if it does not answer, end process %d", err, b.PID)
	}
	look := time.NewTicker(stopLook)
	defer look.Stop()
	for {
		now, running := busdiscover.Running(b.App)
		switch {
		case !running:
			return b.PID, nil
		case now.PID == 0: // it has not said yet
		case unheard: // and what the file said may have been another's
			b.PID, unheard = now.PID, !terminate(now)
		case b.PID == 0:
			b.PID = now.PID
		case b.PID != now.PID:
			return b.PID, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the bus of %s has not ended within %s; end process %d", b.App.ID, stopTimeout, b.PID)
		case <-look.C:
		}
	}
}

// terminate asks the process of a bus that does not listen to end, and reports whether it could. It leaves a process
// alone that does not have the bus's lock file open: the id is an old one, or another machine's that shares the state
// directory. Where the system does not show that in /proc, it asks nobody.
func terminate(b busdiscover.Bus) bool {
	process, err := os.FindProcess(b.PID) // before the look, so that it is the one that was looked at
	if err != nil {
		return false
	}
	defer process.Release()
	return hasOpen(b.PID, b.App.Lock()) && process.Signal(syscall.SIGTERM) == nil
}

func hasOpen(pid int, path string) bool {
	wanted, err := os.Stat(path)
	if err != nil {
		return false
	}
	opened, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid)) // the pattern is a good one
	return slices.ContainsFunc(opened, func(link string) bool {
		info, err := os.Stat(link)
		return err == nil && os.SameFile(wanted, info)
	})
}
