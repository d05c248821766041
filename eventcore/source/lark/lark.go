package lark

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// Options say which app to connect as, and where.
type Options struct {
	AppID     string
	AppSecret string
	// BaseURL is the open platform's, such as https://open.feishu.cn, without a path.
	BaseURL string
	// HTTPClient asks for the endpoint; nil for one with the standard transport. Redirects are not followed,
	// because the request carries the app secret.
	HTTPClient *http.Client
	// Logger gets what happens to the connection, never event content or credentials; nil for none.
	Logger *slog.Logger
	// OnlineConnections asks the platform how many connections the app has open anywhere; nil not to ask. It
	// is called in the background after connecting and every ten minutes, in doubt every minute, and its failure is only
	// logged. A connection that was counted and twice in a row no longer is, and brings nothing in between, is made again.
	OnlineConnections func(ctx context.Context) (int, error)

	online onlinePace
	sleep  sleepSettings
}

// Source is the long connection of one app. It implements [source.Source].
type Source struct {
	options Options
	log     *slog.Logger
}

var _ source.Source = (*Source)(nil)

// New returns the source; nothing is done before [Source.Run].
func New(options Options) *Source {
	log := options.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if options.online == (onlinePace{}) {
		options.online = defaultOnlinePace
	}
	if options.sleep.clocks == nil {
		options.sleep = defaultSleepSettings()
	}
	return &Source{options: options, log: log.With("component", "long_connection")}
}

// Run connects, delivers to sink and reconnects until ctx ends, and then returns ctx's error. A final refusal by
// the platform, or missing credentials, end it with an [*eventcore.Error] after the state was set to Failed.
// Nothing it started is still running when it returns. One Run at a time.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	states := newReporter(sink)
	err := s.run(ctx, sink, states)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	final := eventcore.AsError(err)
	states.failed(final)
	s.log.Error("long connection refused for good", "code", string(final.Code), "platform_code", final.PlatformCode,
		"error", final.Message)
	return final
}

// run returns when ctx ends or with a final refusal.
func (s *Source) run(ctx context.Context, sink source.Sink, states *reporter) error {
	if err := s.checkOptions(); err != nil {
		return err
	}
	waits := backoff{limit: defaultSettings().reconnect, random: rand.Int64N}
	states.connecting()
	opened := false
	for attempt := 1; ; attempt++ {
		conn, err := s.connect(ctx, sink, &waits)
		if err == nil {
			attempt, opened = 0, true
			states.connected()
			s.log.Info("long connection open", "connection_id", conn.id, "ping_interval", conn.settings.ping)
			began := time.Now()
			err = s.serve(ctx, conn, states)
			// The reader may have learned a new configuration meanwhile.
			waits.limit = conn.settings.reconnect
			if time.Since(began) >= livedLongEnough {
				waits.reset()
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// What is no answer of the platform is no word of it either, once it was found at this address: a gateway in
		// front of it answers so while it is away.
		if final := (*eventcore.Error)(nil); errors.As(err, &final) && (final.PlatformCode != 0 || !opened) {
			return final
		}
		wait := waits.next()
		if errors.Is(err, errTooManyConnections) {
			wait = waits.slow()
		}
		states.reconnecting(attempt+1, err, wait)
		s.log.Warn("long connection down", "error", err, "attempt", attempt+1, "wait", wait)
		slept, err := s.pause(ctx, wait)
		if err != nil {
			return err
		}
		if slept {
			waits.reset()
		}
	}
}

// pause waits before the next attempt, and no longer if the machine has slept meanwhile: that the network was gone is
// no news then.
func (s *Source) pause(ctx context.Context, wait time.Duration) (slept bool, err error) {
	watch := watchSleep(s.options.sleep.clocks)
	for left := wait; left > 0; left -= s.options.sleep.look {
		if err := sleep(ctx, min(left, s.options.sleep.look)); err != nil {
			return false, err
		}
		if watch.slept() > 0 {
			return true, nil
		}
	}
	return false, nil
}

// connect asks for the endpoint, which also limits the waits, and opens the socket.
func (s *Source) connect(ctx context.Context, sink source.Sink, waits *backoff) (*connection, error) {
	endpoint, err := s.bootstrap(ctx)
	if err != nil {
		return nil, err
	}
	waits.limit = endpoint.settings.reconnect
	socket, wire, err := dial(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return newConnection(socket, wire, endpoint, sink, s.options.sleep, s.log), nil
}

// serve runs an open connection until it is lost or ctx ends; the error says how it was lost.
func (s *Source) serve(ctx context.Context, conn *connection, states *reporter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if err := s.watchOnline(ctx, states, conn.frames.Load); err != nil {
			cancel(err)
		}
	}()
	err := conn.serve(ctx)
	cancel(nil)
	<-asked
	return err
}

func (s *Source) checkOptions() error {
	missing := func(variable, what string) error {
		return &eventcore.Error{
			Code:    eventcore.CodeCredentialsMissing,
			Message: "the long connection needs the " + what + ", and " + variable + " is not set",
			Hint:    "set " + variable + "; the developer console shows it under Credentials & Basic Info",
		}
	}
	switch {
	case s.options.AppID == "":
		return missing("LARK_APP_ID", "app id")
	case s.options.AppSecret == "":
		return missing("LARK_APP_SECRET", "app secret")
	}
	return nil
}
