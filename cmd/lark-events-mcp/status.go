package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// controlTimeout is how long a bus may take to answer.
const controlTimeout = 5 * time.Second

// busReport is a bus in the output of status: what it told, or why it did not.
type busReport struct {
	App   string `json:"app"`
	PID   int    `json:"pid"`
	Error string `json:"error,omitempty"`
	*protocol.Status
}

func newStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "The buses on this machine: connection, journal, agents", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := stateHome()
			if err != nil {
				return err
			}
			buses, err := busdiscover.List(home)
			if err != nil {
				return err
			}
			reports := []busReport{}
			for _, b := range buses {
				reports = append(reports, report(cmd.Context(), b))
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"buses": reports})
			}
			return printed(printStatus(cmd.OutOrStdout(), reports))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func report(ctx context.Context, b busdiscover.Bus) busReport {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	status, err := busctl.Status(ctx, b.App)
	r := busReport{App: b.App.ID, PID: b.PID, Status: status}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it does not answer; if that lasts, end process %d", b.PID)
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// printStatus prints reports for people.
func printStatus(out io.Writer, reports []busReport) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(out, "No bus is running. The first agent that subscribes starts one.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "APP\tPID\tCONNECTION\tUP\tAGENTS\tEVENTS\tSIZE\tNEWEST")
	for _, r := range reports {
		if r.Status == nil {
			fmt.Fprintf(table, "%s\t%d\tunknown: %s\n", r.App, r.PID, r.Error)
			continue
		}
		newest := "-"
		if !r.Journal.Newest.IsZero() {
			newest = formatAge(time.Since(r.Journal.Newest)) + " ago"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%d\t%d\t%s\t%s\n", r.AppID, r.PID, r.Source.Phase, formatAge(time.Since(r.Started)),
			len(r.Consumers), r.Journal.Events, formatSize(r.Journal.Bytes), newest)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		if err := printDetails(out, r); err != nil {
			return err
		}
	}
	return nil
}

// printDetails prints what a person should know beside the table.
func printDetails(out io.Writer, r busReport) error {
	if r.Status == nil {
		return nil
	}
	var notes []string
	if r.Source.Detail != "" {
		notes = append(notes, "connection: "+r.Source.Detail)
	}
	if r.Problem != "" {
		notes = append(notes, "storage: "+r.Problem)
	}
	if r.Unreadable != nil {
		notes = append(notes, "storage: "+r.Unreadable.Error())
	}
	for _, o := range r.Orphans() {
		notes = append(notes, fmt.Sprintf("%s may still be subscribed on the platform (%d in all); its next consumer with the params of then takes that over", o.Key, o.Scopes))
	}
	for _, c := range r.Consumers {
		notes = append(notes, fmt.Sprintf("agent %s (process %d) since %s: %v", c.Name, c.PID, formatAge(time.Since(c.Since)), c.Keys))
	}
	for _, note := range notes {
		if _, err := fmt.Fprintf(out, "  %s: %s\n", r.AppID, note); err != nil {
			return err
		}
	}
	return nil
}
