package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/busctl"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/keys"
	"github.com/larkevents/lark-events-mcp/mcp"
)

const serveLong = `Serve one agent over the Model Context Protocol on stdin and stdout, as MCP clients start it, or with --http ADDR
any number of agents over Streamable HTTP at /mcp.

Missing credentials do not keep the server from starting: an agent can look at the event keys without them, and is
told which variable to set when it subscribes.

With --push channel, events become messages that wake the agent; --allow-sender and --allow-chat say whose.

Over HTTP every agent on this machine may connect. An address that other machines can reach, such as :8080, needs
--auth-tokens FILE. Each of the file's lines is a name and the SHA-256 of that agent's token; lines with # are comments.
Others must not be able to read the file. To make a token, and its line:

  TOKEN=$(openssl rand -hex 32)
  echo "alice $(printf %s "$TOKEN" | sha256sum | cut -d' ' -f1)" >> tokens; chmod 600 tokens

Agents send it as "Authorization: Bearer TOKEN". The file is read again when it changes.`

func newServeCommand(g *globals) *cobra.Command {
	var push string
	var allowSenders, allowChats []string
	var demo bool
	var web httpFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "The MCP server, on stdin and stdout or over HTTP", Long: serveLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := g.logger(slog.LevelWarn)
			if err != nil {
				return err
			}
			mode, err := mcp.ParsePushMode(push)
			if err != nil {
				return usageError{err}
			}
			if err := mcp.CheckAllowLists(mode, allowSenders, allowChats); err != nil {
				return usageError{err}
			}
			if err := web.check(cmd.Flags().Changed("http")); err != nil {
				return err
			}
			serve := serveStdio
			if web.addr != "" {
				serve = web.serveHTTP
			}
			opts := mcp.Options{
				Version: version(), Keys: keys.Register, Push: mode, AllowSenders: allowSenders, AllowChats: allowChats, Logger: log,
			}
			if demo {
				d, err := startDemo(cmd.Context(), log)
				if err != nil {
					return err
				}
				defer d.close()
				d.playForever()
				return serve(cmd.Context(), serverOptions(opts, d.access), &d.access.app)
			}
			cfg, err := loadConfig()
			if err != nil {
				return serve(cmd.Context(), withoutApp(opts, err), nil)
			}
			cfg.warn(log)
			opts.AppID, opts.Domain = cfg.appID, cfg.domain()
			access, err := realAccess(cfg, log)
			if err != nil {
				return serve(cmd.Context(), withoutApp(opts, err), nil)
			}
			return serve(cmd.Context(), serverOptions(opts, access), &access.app)
		},
	}
	cmd.Flags().StringVar(&push, "push", string(mcp.PushAuto), "how an agent is told of an event as it arrives: auto, resource, log, channel or off")
	cmd.Flags().StringSliceVar(&allowSenders, "allow-sender", nil,
		"with --push channel: a person who may wake the agent, by open_id, union_id or user_id; '*' is anyone (repeatable)")
	cmd.Flags().StringSliceVar(&allowChats, "allow-chat", nil, "with --push channel: a chat in which every person may wake the agent, by its id (repeatable)")
	web.register(cmd)
	cmd.Flags().BoolVar(&demo, "demo", false, "on a simulated platform in this process, without an account")
	return cmd
}

// withoutApp are the options of a server that has no app to listen to, and why: an agent can still look at the
// keys, and is told when it subscribes.
func withoutApp(opts mcp.Options, err error) mcp.Options {
	opts.Consumer = func() (mcp.Consumer, error) { return nil, err }
	return opts
}

// serverOptions adds the app and its consumers to opts.
func serverOptions(opts mcp.Options, access *platformAccess) mcp.Options {
	opts.AppID, opts.Domain = access.cfg.appID, access.cfg.domain()
	opts.Consumer = func() (mcp.Consumer, error) { return access.client("mcp"), nil }
	opts.Status = func(ctx context.Context) (*protocol.Status, error) { return busctl.Status(ctx, access.app) }
	return opts
}

// serveStdio serves until stdin ends or a signal comes; both are an orderly end.
func serveStdio(ctx context.Context, opts mcp.Options, _ *statedir.App) error {
	return orderly(mcp.NewServer(opts).ServeStdio(ctx, os.Stdin, os.Stdout))
}

// orderly returns err, unless it says that a signal came.
func orderly(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
