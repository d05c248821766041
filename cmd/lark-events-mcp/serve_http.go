package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/mcp"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// httpFlags are those of serve for Streamable HTTP.
type httpFlags struct {
	addr              string
	tokens            string
	certFile, keyFile string
	hosts             []string
	webhookNets       []net.IPNet
}

func (f *httpFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "http", "", "serve Streamable HTTP at /mcp on this address, such as 127.0.0.1:8080, instead of stdin and stdout")
	flags.StringVar(&f.tokens, "auth-tokens", "", "with --http: file of those who may connect, a name and the SHA-256 of a token on each line")
	flags.StringVar(&f.certFile, "tls-cert", "", "with --http: file with the certificate chain, in PEM")
	flags.StringVar(&f.keyFile, "tls-key", "", "with --http: file with the certificate's key, in PEM")
	flags.StringArrayVar(&f.hosts, "allow-host", nil, "with --http: host name by which a reverse proxy on this machine is reached (repeatable)")
	flags.IPNetSliceVar(&f.webhookNets, "webhook-private", nil,
		"with --http: private network that webhook endpoints may be in, such as 10.1.0.0/16, beside public addresses (repeatable)")
}

// check returns what is wrong with the flags as such; given says that --http is among them.
func (f *httpFlags) check(given bool) error {
	switch {
	case f.addr == "" && given: // a variable that is not set, say
		return usageError{errors.New("--http names no address; use one such as 127.0.0.1:8080")}
	case f.addr == "" && (f.tokens != "" || f.certFile != "" || f.keyFile != "" || len(f.hosts) > 0 || len(f.webhookNets) > 0):
		return usageError{errors.New("--auth-tokens, --tls-cert, --tls-key, --allow-host and --webhook-private go with --http")}
	case len(f.webhookNets) > 0 && f.tokens == "":
		return usageError{errors.New("--webhook-private goes with --auth-tokens: webhooks are for clients that say who they are")}
	case (f.certFile == "") != (f.keyFile == ""):
		return usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	return nil
}

// listen returns where to serve, and how. Its error is the user's to mend, or that the address is in use.
func (f *httpFlags) listen(log *slog.Logger) (net.Listener, mcp.HTTPOptions, error) {
	opts := mcp.HTTPOptions{AllowedHosts: f.hosts}
	addr, err := net.ResolveTCPAddr("tcp", f.addr)
	if err != nil {
		return nil, opts, usageError{fmt.Errorf("--http %q is no address: %w; use one such as 127.0.0.1:8080", f.addr, err)}
	}
	if f.tokens != "" {
		if opts.Tokens, err = mcp.LoadTokens(f.tokens, log); err != nil {
			return nil, opts, configError{fmt.Errorf("--auth-tokens: %w", err)}
		}
	}
	if f.certFile != "" {
		warnIfOpen(log, "--tls-key", f.keyFile)
		cert, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
		if err != nil {
			return nil, opts, configError{fmt.Errorf("--tls-cert and --tls-key: %w", err)}
		}
		opts.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	}
	if err := opts.Check(addr); err != nil {
		return nil, opts, configError{fmt.Errorf("%w; --auth-tokens FILE names those who may connect (serve --help tells its form)", err)}
	}
	listener, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, opts, fmt.Errorf("--http %s: %w", f.addr, err)
	}
	if opts.TLS == nil && !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		log.Warn("tokens and events travel in clear: use --tls-cert and --tls-key, unless a proxy in front does", "address", listener.Addr())
	}
	return listener, opts, nil
}

// serveHTTP serves until a signal comes, which is an orderly end. It prints the URL once clients can connect.
func (f *httpFlags) serveHTTP(ctx context.Context, opts mcp.Options, app *statedir.App) error {
	listener, httpOpts, err := f.listen(opts.Logger)
	if err != nil {
		return err
	}
	server := mcp.NewServer(opts)
	httpOpts.Metrics = server.Metrics()
	if httpOpts.Tokens != nil && app != nil {
		if err := f.offerWebhooks(server, app, httpOpts.Tokens, opts.Logger); err != nil {
			listener.Close()
			return err
		}
	}
	scheme := "http"
	if httpOpts.TLS != nil {
		scheme = "https"
	}
	fmt.Fprintf(os.Stderr, "ready url=%s://%s%s\n", scheme, listener.Addr(), mcp.HTTPPath)
	return orderly(server.ServeStreamableHTTP(ctx, listener, httpOpts))
}

// offerWebhooks has the server deliver webhooks, those that are kept from before included. If another process does that
// for the app, this one goes without. Those whose name leaves tokens lose theirs.
func (f *httpFlags) offerWebhooks(server *mcp.Server, app *statedir.App, tokens *mcp.Tokens, log *slog.Logger) error {
	if err := app.Create(); err != nil {
		return err
	}
	opts := webhook.Options{Feeds: server.Feeds(), Dir: app.Dir, Permitted: tokens.Knows, Delivered: server.CountWebhook, Logger: log}
	for _, private := range f.webhookNets {
		prefix, err := netip.ParsePrefix(private.String())
		if err != nil {
			return usageError{fmt.Errorf("--webhook-private: %w", err)}
		}
		opts.AllowPrivate = append(opts.AllowPrivate, prefix)
	}
	webhooks, err := webhook.New(opts)
	switch {
	case errors.Is(err, webhook.ErrInUse):
		log.Warn("this server offers no webhooks", "error", err)
	case err != nil:
		return err
	default:
		server.OfferWebhooks(webhooks)
	}
	return nil
}
