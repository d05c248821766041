package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/busdiscover"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/jq"
	"github.com/larkevents/lark-events-mcp/eventcore/openapi"
	"github.com/larkevents/lark-events-mcp/eventcore/source/lark"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// platformAccess is how consumers reach an app's bus and open API: the real ones, or those of the demo.
type platformAccess struct {
	cfg   *config
	app   statedir.App
	start func(ctx context.Context) error
	log   *slog.Logger
	api   func() *openapi.API
	// sandbox is that of all clients, which take turns in it. Its processes end with this one.
	sandbox *jq.Sandbox
}

// realAccess is the access to the app that the environment names.
func realAccess(cfg *config, log *slog.Logger) (*platformAccess, error) {
	app, err := cfg.requireApp()
	if err != nil {
		return nil, err
	}
	s := &spawner{cfg: cfg, app: app}
	return newAccess(cfg, app, s.start, log), nil
}

func newAccess(cfg *config, app statedir.App, start func(ctx context.Context) error, log *slog.Logger) *platformAccess {
	return &platformAccess{
		cfg: cfg, app: app, start: start, log: log, sandbox: newSandbox(),
		api: sync.OnceValue(func() *openapi.API { return openAPI(cfg, log) }),
	}
}

// client returns a consumer; nothing is dialled yet.
func (a *platformAccess) client(name string) *consume.Client {
	return consume.New(consume.Options{
		App: a.app, Start: a.start, Name: name, Binary: version(), Credentials: a.cfg.fingerprint(), Domain: a.cfg.domain(), Logger: a.log,
		Sandbox: a.sandbox.ForOwner(),
		API:     func(identity string) (eventcore.APIClient, error) { return a.api().As(identity) },
	})
}

func openAPI(cfg *config, log *slog.Logger) *openapi.API {
	return openapi.New(openapi.Options{
		AppID: cfg.appID, AppSecret: cfg.secret, BaseURL: cfg.baseURL, UserAccessToken: cfg.userToken, Logger: log,
	})
}

// busOptions are those of a bus on the real long connection.
func busOptions(cfg *config, app statedir.App, log *slog.Logger) bus.Options {
	return bus.Options{
		App: app, Domain: cfg.domain(), Credentials: cfg.fingerprint(), Binary: version(), Logger: log,
		Source: lark.New(lark.Options{
			AppID: cfg.appID, AppSecret: cfg.secret, BaseURL: cfg.baseURL, Logger: log,
			OnlineConnections: openAPI(cfg, log).OnlineConnections,
		}),
	}
}

// explainHeld says who is in the way of a second bus.
func explainHeld(app statedir.App, err error) error {
	if !errors.Is(err, busdiscover.ErrHeld) {
		return err
	}
	running, _ := busdiscover.Running(app)
	return &eventcore.Error{
		Code: eventcore.CodeBusUnavailable, Message: fmt.Sprintf("a bus for %s runs already (process %d)", app.ID, running.PID),
		Hint: "lark-events-mcp stop ends it", Cause: err,
	}
}

// discard is the log of what runs beside a transcript.
func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
