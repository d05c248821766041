package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

const (
	messageKey = "im.message.receive_v1"
	// textSize is the length of the messages' texts, in bytes.
	textSize = 200
	// inFlight is how many events the platform has unacknowledged at once.
	inFlight = 256
)

// setting is an app on a simulated platform of its own, with its state in a directory on disk.
type setting struct {
	bench    *bench
	platform *larksim.Platform
	app      statedir.App
	env      []string
	started  []*process
	onClose  []func()
}

func (b *bench) newSetting() (*setting, error) {
	dir, err := os.MkdirTemp(b.dir, "s")
	if err != nil {
		return nil, err
	}
	platform, err := larksim.Start(larksim.Options{})
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LARK_") })
	env = append(env,
		"LARK_APP_ID="+platform.AppID(), "LARK_APP_SECRET="+platform.AppSecret(), "LARK_DOMAIN="+platform.URL(),
		statedir.EnvHome+"="+dir)
	return &setting{bench: b, platform: platform, app: statedir.Home(dir).App(platform.AppID()), env: env}, nil
}

// close ends what was started, the latest first, and the platform, and removes the state.
func (s *setting) close() {
	for _, f := range s.onClose {
		f()
	}
	for _, p := range slices.Backward(s.started) {
		p.end()
	}
	s.platform.Close()
	os.RemoveAll(s.app.Dir) // what stays is removed with the bench's directory
}

func (s *setting) start(ctx context.Context, program string, args ...string) (*process, error) {
	p, err := start(ctx, s.env, program, args...)
	if err == nil {
		s.started = append(s.started, p)
	}
	return p, err
}

// bus starts a bus and returns when it is connected. It ends by itself if the bench is killed.
func (s *setting) bus(ctx context.Context, args ...string) (*process, error) {
	p, err := s.start(ctx, s.bench.binary, append([]string{"bus"}, args...)...)
	if err != nil {
		return nil, err
	}
	return p, s.connected(p)
}

func (s *setting) connected(p *process) error {
	waiting, cancel := context.WithTimeout(p.life, 20*time.Second)
	defer cancel()
	if s.platform.AwaitConnections(waiting, 1) != nil {
		return p.failed("await the connection of", context.Cause(waiting))
	}
	return nil
}

// consumer starts a bus and a consume of messages.
func (s *setting) consumer(ctx context.Context) (*process, error) {
	if _, err := s.bus(ctx); err != nil {
		return nil, err
	}
	p, err := s.start(ctx, s.bench.binary, "consume", messageKey)
	if err != nil {
		return nil, err
	}
	return p, p.awaitStderr("ready key=")
}

// typedClient starts the client that is made with the SDK, as its documentation has it.
func (s *setting) typedClient(ctx context.Context) (*process, error) {
	return s.sdkClient(ctx, "typed")
}

// rawClient starts the one that spares the decoding.
func (s *setting) rawClient(ctx context.Context) (*process, error) { return s.sdkClient(ctx, "raw") }

func (s *setting) sdkClient(ctx context.Context, how string) (*process, error) {
	program, err := s.bench.baseline("sdkclient")
	if err != nil {
		return nil, err
	}
	p, err := s.start(ctx, program, how)
	if err != nil {
		return nil, err
	}
	return p, s.connected(p)
}

// delivery is what came of sending events to a program that prints them.
type delivery struct {
	// rate is events a second, from the first one sent to the last one printed.
	rate float64
	// took are the times from an event's sending to its acknowledgement.
	took []time.Duration
}

// deliver sends n messages, so many of them unacknowledged at once, and reads them from the stdout of to.
func (s *setting) deliver(ctx context.Context, to *process, n, inFlight int) (delivery, error) {
	bodies := slices.Collect(s.platform.Texts(n, textSize))
	printed := make(chan error, 1)
	began := time.Now()
	go func() { printed <- to.skip(n) }()
	load, err := s.platform.SendAll(ctx, slices.Values(bodies), inFlight)
	if err == nil && load.Acknowledged != n {
		err = fmt.Errorf("%d were acknowledged", load.Acknowledged)
	}
	if err != nil {
		to.kill() // what it prints is not awaited any more
		return delivery{}, errors.Join(fmt.Errorf("send %d events: %w", n, err), <-printed)
	}
	err = <-printed
	return delivery{rate: float64(n) / time.Since(began).Seconds(), took: load.Took}, err
}
