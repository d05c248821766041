package main

import (
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

// filterCommand is the command by which this program runs, in another process, filters that this one must not.
const filterCommand = "run-filters"

// newSandbox returns where filters run that could take too long or too much memory.
func newSandbox() *jq.Sandbox {
	return jq.NewSandbox(func() (*exec.Cmd, error) {
		program, err := os.Executable()
		if err != nil {
			return nil, err
		}
		if runtime.GOOS == "linux" {
			program = "/proc/self/exe" // this very program, also after an update has put another one in its place
		}
		cmd := exec.Command(program, filterCommand)
		cmd.Args[0] = os.Args[0]
		cmd.Env = []string{} // which may hold secrets
		if zone, ok := os.LookupEnv("TZ"); ok {
			cmd.Env = append(cmd.Env, "TZ="+zone)
		}
		return cmd, nil
	})
}

func newFilterCommand() *cobra.Command {
	return &cobra.Command{
		Use: filterCommand, Short: "Run filters for another lark-events-mcp", Hidden: true, Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return jq.Serve(os.Stdin, os.Stdout) },
	}
}
