package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
)

// version is the module's version, as the go command recorded it; a build from a checkout is devel.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "The version of this program", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !asJSON {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "lark-events-mcp %s (bus protocol %d, %s, %s/%s)\n",
					version(), protocol.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return err
			}
			return printJSON(cmd.OutOrStdout(), map[string]any{
				"version": version(), "bus_protocol": protocol.Version, "go": runtime.Version(),
				"os": runtime.GOOS, "arch": runtime.GOARCH,
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}
