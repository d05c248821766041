package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/keys"
)

// globals are the flags that every command has.
type globals struct {
	logLevel  string
	logFormat string
	keysDir   string
}

const rootLong = `lark-events-mcp lets AI agents listen to Lark (Feishu).

Without a command it is an MCP server on stdin and stdout, as MCP clients start it. The first agent that
subscribes starts a bus in the background, one per app on this machine: it holds the app's long connection and
keeps every event in a journal, from which any number of agents read.

Try "lark-events-mcp demo" first: it needs no account.

Environment:
  LARK_APP_ID, LARK_APP_SECRET   the app; LARK_APP_SECRET_FILE may name a file with the secret instead
  LARK_DOMAIN                    feishu (default), lark, or a base URL
  LARK_USER_ACCESS_TOKEN         for keys that listen as a user
  LARK_EVENTS_HOME               state directory; default: lark-events in the system's place for user state

Exit codes: 0 done, 1 failed, 2 usage, 3 configuration or credentials, 4 the platform refused, 130 interrupted.`

// newRootCommand builds the command tree. Without a subcommand it serves.
func newRootCommand() *cobra.Command {
	g := &globals{}
	serve := newServeCommand(g)
	root := &cobra.Command{
		Use:           "lark-events-mcp",
		Short:         "An MCP server that lets AI agents listen to Lark (Feishu)",
		Long:          rootLong,
		Args:          noArgs,
		RunE:          serve.RunE,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if _, err := g.logger(slog.LevelInfo); err != nil {
				return err
			}
			if g.keysDir != "" {
				return registerOwnKeys(g.keysDir)
			}
			return nil
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&g.logLevel, "log-level", "", "debug, info, warn or error, on stderr (default: warn; info for bus)")
	root.PersistentFlags().StringVar(&g.logFormat, "log-format", "text", "text or json")
	root.PersistentFlags().StringVar(&g.keysDir, "keys-dir", "", "folder with event keys of your own, a JSON file each (docs/own-keys.md)")
	root.Flags().AddFlagSet(serve.Flags())
	root.AddCommand(serve, newDemoCommand(g), newListCommand(), newSchemaCommand(), newConsumeCommand(g),
		newStatusCommand(), newStopCommand(), newBusCommand(g), newVersionCommand(), newFilterCommand())
	return root
}

// registerKeys is the first step of a command that looks at keys. The others, and a server that is not asked for any,
// do without them.
func registerKeys(*cobra.Command, []string) { keys.Register() }

// registerOwnKeys adds the user's keys to the built-in ones, so that a fault in them is told at once.
func registerOwnKeys(dir string) error {
	keys.Register()
	if err := keys.RegisterOwn(dir); err != nil {
		return configError{fmt.Errorf("--keys-dir: %w", err)}
	}
	return nil
}

// noArgs refuses arguments, and says so in a way that tells a mistyped command from a mistyped argument.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return usageError{fmt.Errorf("there is no command %q", args[0])}
	}
	return usageError{fmt.Errorf("%s takes no arguments, got %q", cmd.CommandPath(), args[0])}
}

// logger returns the logger that the flags ask for; level is what a command uses by default.
func (g *globals) logger(level slog.Level) (*slog.Logger, error) {
	if g.logLevel != "" {
		if err := level.UnmarshalText([]byte(g.logLevel)); err != nil {
			return nil, usageError{fmt.Errorf("--log-level %q: use debug, info, warn or error", g.logLevel)}
		}
	}
	opts := &slog.HandlerOptions{Level: level}
	switch g.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %q: use text or json", g.logFormat)}
}
