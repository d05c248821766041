package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// demoInterval is the pause between two events of the demo that plays on and on.
const demoInterval = 2 * time.Second

// simulated is a simulated platform with a bus on it, both in this process, and a state directory that goes with
// them.
type simulated struct {
	platform *larksim.Platform
	access   *platformAccess

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	home   string
}

// startDemo starts the platform; the bus starts when a consumer needs it, as the real one does.
func startDemo(ctx context.Context, log *slog.Logger) (*simulated, error) {
	platform, err := larksim.Start(larksim.Options{})
	if err != nil {
		return nil, fmt.Errorf("start the simulated platform: %w", err)
	}
	home, err := os.MkdirTemp("", "lark-demo-")
	if err != nil {
		platform.Close()
		return nil, fmt.Errorf("make the demo's state directory: %w", err)
	}
	d := &simulated{platform: platform, home: home}
	// Outlives the signal that ends the server, so that cleanups still have a bus; close ends it.
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	cfg := &config{
		appID: platform.AppID(), secret: platform.AppSecret(), baseURL: platform.URL(), home: statedir.Home(home),
		userToken: larksim.DefaultUserToken,
	}
	app := cfg.home.App(cfg.appID)
	start := sync.OnceFunc(func() {
		opts := busOptions(cfg, app, log)
		opts.KeepAlive = true
		d.work.Go(func() {
			if err := bus.Run(d.ctx, opts); err != nil {
				log.Error("the demo's bus ended", "error", err)
			}
		})
	})
	d.access = newAccess(cfg, app, func(context.Context) error { start(); return nil }, log)
	return d, nil
}

// playForever lets events happen on the platform until close.
func (d *simulated) playForever() {
	d.work.Go(func() {
		if d.platform.AwaitConnections(d.ctx, 1) != nil {
			return
		}
		for d.ctx.Err() == nil {
			// The error can only be that the context ended.
			_, _ = d.platform.CompanyChat().Play(d.ctx, demoInterval)
			select {
			case <-time.After(demoInterval):
			case <-d.ctx.Done():
			}
		}
	})
}

// close ends all of it and removes the state directory.
func (d *simulated) close() {
	d.cancel()
	d.work.Wait()
	d.platform.Close()
	os.RemoveAll(d.home)
}
