package lark

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestTheConnectionGoesThroughItsPhases(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	if err := s.stop(t); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want the context's error", err)
	}
	states := s.sink.history()
	if len(states) != 2 || states[0].Phase != source.Connecting || states[0].Attempt != 1 || states[1].Phase != source.Connected {
		t.Errorf("states %+v, want connecting (attempt 1) and connected", states)
	}
	for _, state := range states {
		if state.Since.IsZero() {
			t.Errorf("state %s has no time", state.Phase)
		}
	}
}

func TestADroppedConnectionIsMadeAnew(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	s.platform.DropConnections()
	lost := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
	if lost.Attempt != 1 || lost.LastError == "" || !strings.Contains(lost.Detail, "next attempt in") {
		t.Errorf("state %+v, want attempt 1 with the reason and the wait", lost)
	}
	back := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected && state.Reconnects == 1 })
	if took := back.Since.Sub(lost.Since); took > firstWait+5*time.Second {
		t.Errorf("reconnected after %v, want the first wait to be below %v", took, firstWait)
	}
	if back.LastError == "" || back.Detail != "" || back.Attempt != 0 {
		t.Errorf("state %+v, want the last error kept and the rest cleared", back)
	}
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello again"))
	s.sink.next(t).Done(nil)
	if o := outcome(t, receipt); !o.Acknowledged {
		t.Errorf("outcome %+v, want acknowledged on the new connection", o)
	}
}

func TestASilentConnectionIsNoticedWithinTwoPings(t *testing.T) {
	const ping = time.Second
	s := start(t, larksim.Options{PingInterval: ping})
	s.connected(t)
	began := time.Now()
	s.platform.Silence()
	lost := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
	// The settings' own test says that this is within two pings, this one that it happens, on a machine that is busy.
	if took := lost.Since.Sub(began); took > 2*ping+5*time.Second {
		t.Errorf("noticed after %v, want within two ping intervals of %v", took, ping)
	}
	if !strings.Contains(lost.LastError, "silent") {
		t.Errorf("the reason is %q, want it to say that the connection went silent", lost.LastError)
	}
	s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected && state.Reconnects == 1 })
}

// Timers stand still while a laptop sleeps. A connection that did not survive must not be waited for as if no time had
// passed, and one that did stays.
func TestAfterASleepAConnectionHasToProveThatItLives(t *testing.T) {
	for name, alive := range map[string]bool{"that lives": true, "that does not": false} {
		t.Run(name, func(t *testing.T) {
			var asleep atomic.Int64
			system := defaultSleepSettings()
			s := start(t, larksim.Options{PingInterval: time.Hour, ReconnectInterval: time.Second}, func(o *Options) {
				o.sleep = sleepSettings{look: 10 * time.Millisecond, answer: patience, clocks: func() (time.Time, time.Duration) {
					wall, running := system.clocks()
					return wall.Add(time.Duration(asleep.Load())), running
				}}
				if !alive {
					o.sleep.answer = 50 * time.Millisecond
				}
			})
			s.connected(t)
			awaiting(func(c larksim.Counts) bool { return c.Pings == 1 })(t, s)
			if !alive {
				s.platform.Silence()
			}
			asleep.Add(int64(time.Hour))
			if alive {
				awaiting(func(c larksim.Counts) bool { return c.Pings == 2 })(t, s)
				receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "good morning"))
				s.sink.next(t).Done(nil)
				if o := outcome(t, receipt); !o.Acknowledged || s.platform.Counts().Opened != 1 {
					t.Errorf("%+v, %+v; want an event on the same connection", o, s.platform.Counts())
				}
				return
			}
			state := s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected && state.Reconnects == 1 })
			if !strings.Contains(state.LastError, "sleep") {
				t.Errorf("the reason is %q", state.LastError)
			}
		})
	}
}

// sleepy returns settings by which the machine has slept for as long as the test adds.
func sleepy(asleep *atomic.Int64, answer time.Duration) sleepSettings {
	system := defaultSleepSettings()
	return sleepSettings{look: 5 * time.Millisecond, answer: answer, clocks: func() (time.Time, time.Duration) {
		wall, running := system.clocks()
		return wall.Add(time.Duration(asleep.Load())), running
	}}
}

// What lay in the socket before the sleep does not prove that the connection lives.
func TestOnlyAPongProvesThatAConnectionSurvivedASleep(t *testing.T) {
	var asleep, looks atomic.Int64
	probed := make(chan struct{})
	s := start(t, larksim.Options{PingInterval: time.Hour, AckTimeout: time.Minute, ReconnectInterval: time.Second}, func(o *Options) {
		o.sleep = sleepy(&asleep, 500*time.Millisecond)
		look := o.sleep.clocks
		o.sleep.clocks = func() (time.Time, time.Duration) {
			// The first look afterwards finds the sleep, and the next one follows the ping.
			if asleep.Load() > 0 && looks.Add(1) == 2 {
				close(probed)
			}
			return look()
		}
	})
	s.connected(t)
	awaiting(func(c larksim.Counts) bool { return c.Pings == 1 })(t, s)
	for range 3 {
		s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "before the sleep"))
	}
	event := s.sink.next(t) // the others wait
	awaiting(func(c larksim.Counts) bool { return c.Delivered == 3 })(t, s)
	s.platform.Silence()
	asleep.Add(int64(time.Hour))
	<-probed
	event.Done(nil)
	for range 2 {
		s.sink.next(t).Done(nil)
	}
	s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
}

func TestASleepEndsTheWaitForTheNextAttempt(t *testing.T) {
	var asleep atomic.Int64
	settings := sleepy(&asleep, time.Second)
	if slept, err := New(Options{sleep: settings}).pause(t.Context(), 12*time.Millisecond); slept || err != nil {
		t.Errorf("a wait without a sleep ended with %v, %v", slept, err)
	}
	awake := settings.clocks
	settings.clocks = func() (time.Time, time.Duration) {
		defer asleep.Add(int64(time.Hour)) // by the next look
		return awake()
	}
	if slept, err := New(Options{sleep: settings}).pause(t.Context(), time.Hour); !slept || err != nil {
		t.Errorf("a wait with a sleep ended with %v, %v", slept, err)
	}
}

func TestACorrectionOfTheTimeIsNoSleep(t *testing.T) {
	wall, running := time.Unix(1e9, 0), time.Duration(0)
	watch := watchSleep(func() (time.Time, time.Duration) { return wall, running })
	for _, c := range []struct{ wall, running, slept time.Duration }{
		{5 * time.Second, 5 * time.Second, 0},
		{14 * time.Second, 5 * time.Second, 0},
		{-time.Hour, 5 * time.Second, 0},
		{time.Hour + 5*time.Second, 5 * time.Second, time.Hour},
		{5 * time.Second, 5 * time.Second, 0},
	} {
		wall, running = wall.Add(c.wall), running+c.running
		if slept := watch.slept(); slept != c.slept {
			t.Errorf("the clocks went on by %v and %v: slept %v, want %v", c.wall, c.running, slept, c.slept)
		}
	}
}

func TestAnIdleConnectionStaysOpen(t *testing.T) {
	s := start(t, larksim.Options{PingInterval: time.Second})
	s.connected(t)
	// Four pings are three intervals: longer than a silence that ends a connection. A machine that stands still for half a
	// second is such a silence, and then it is the next connection's turn.
	opened, before := 0, 0
	awaiting(func(c larksim.Counts) bool {
		if c.Opened != opened {
			opened, before = c.Opened, c.Pings
		}
		return c.Pings-before >= 4
	})(t, s)
}

func TestAPongChangesThePingInterval(t *testing.T) {
	s := start(t, larksim.Options{PingInterval: time.Hour})
	s.connected(t)
	pong := frame.Pong(0)
	pong.Payload = []byte(`{"PingInterval":1}`)
	s.platform.SendRaw(pong.Marshal())
	// One ping goes out at the start, and the next would in ten minutes (the longest interval accepted).
	awaiting(func(c larksim.Counts) bool { return c.Pings >= 3 })(t, s)
}

func TestRunEndsInEveryPhase(t *testing.T) {
	cases := []struct {
		name    string
		options larksim.Options
		plan    func(*larksim.Platform)
		reached func(t *testing.T, s *session)
	}{
		{
			name:    "while the endpoint is asked for",
			plan:    func(p *larksim.Platform) { p.PlanBootstraps(larksim.BootstrapAnswer{Hang: true}) },
			reached: awaiting(func(c larksim.Counts) bool { return c.Bootstraps == 1 }),
		},
		{
			name:    "during the handshake",
			plan:    func(p *larksim.Platform) { p.PlanHandshakes(larksim.HandshakeAnswer{Hang: true}) },
			reached: awaiting(func(c larksim.Counts) bool { return c.Handshakes == 1 }),
		},
		{
			name:    "while it reads",
			reached: func(t *testing.T, s *session) { s.connected(t) },
		},
		{
			name: "before another attempt",
			plan: func(p *larksim.Platform) {
				for range 100 {
					p.PlanBootstraps(larksim.BootstrapAnswer{Code: 1})
				}
			},
			reached: func(t *testing.T, s *session) {
				s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Reconnecting })
			},
		},
		{
			name: "while the sink takes no event",
			reached: func(t *testing.T, s *session) {
				s.connected(t)
				s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "nobody takes this"))
				awaiting(func(c larksim.Counts) bool { return c.Delivered == 1 })(t, s)
			},
		},
		{
			name: "on a half-open connection",
			reached: func(t *testing.T, s *session) {
				s.connected(t)
				s.platform.Silence()
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := prepare(t, c.options)
			if c.plan != nil {
				c.plan(s.platform)
			}
			s.run(t)
			c.reached(t, s)
			began := time.Now()
			if err := s.stop(t); !errors.Is(err, context.Canceled) {
				t.Errorf("Run returned %v, want the context's error", err)
			}
			// Longer than a busy machine takes beside the farewell, and shorter than every timeout that would end it too.
			if took := time.Since(began); took > farewell+6*time.Second {
				t.Errorf("Run took %v to end", took)
			}
		})
	}
}

func awaiting(done func(larksim.Counts) bool) func(*testing.T, *session) {
	return func(t *testing.T, s *session) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.platform.AwaitCounts(ctx, done); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnswersThatAreReadyAreSentBeforeLeaving(t *testing.T) {
	s := prepare(t, larksim.Options{})
	options := Options{AppID: s.platform.AppID(), AppSecret: s.platform.AppSecret(), BaseURL: s.platform.URL()}
	ended, end := context.WithCancel(t.Context())
	end()
	// Whether the writer sees the answers or the end first is chance, so it gets a few.
	const rounds, answers = 10, 3
	for range rounds {
		conn, err := New(options).connect(t.Context(), s.sink, &backoff{})
		if err != nil {
			t.Fatal(err)
		}
		for range answers {
			conn.slots <- struct{}{}
			d := &delivery{frame: dataFrame("event", "1", "0", "m1"), arrived: time.Now(), answers: conn.answers}
			d.done(nil)
		}
		if err := conn.write(ended, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("the writer ended with %v, want the context's error", err)
		}
		conn.socket.Close()
	}
	awaiting(func(c larksim.Counts) bool { return c.StrayAcks == rounds*answers })(t, s)
}

func TestDoneAfterTheEndIsHarmless(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "last words"))
	event := s.sink.next(t)
	s.stop(t)
	event.Done(nil)
	event.Done(nil)
}

func TestDoneAfterTheConnectionDiedGoesNowhere(t *testing.T) {
	s := start(t, larksim.Options{AckTimeout: time.Second, Redelivery: slices.Repeat([]time.Duration{100 * time.Millisecond}, 1000)})
	s.connected(t)
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))
	event := s.sink.next(t)
	s.platform.DropConnections()
	s.sink.awaitState(t, func(state source.State) bool { return state.Phase == source.Connected && state.Reconnects == 1 })
	event.Done(nil)
	// The platform sends it again on the new connection.
	if o := s.takeUntilSettled(t, receipt); !o.Acknowledged || o.Attempts < 2 {
		t.Errorf("outcome %+v, want acknowledged at a later attempt", o)
	}
}

func TestOtherConnectionsAreReported(t *testing.T) {
	var asked atomic.Int32
	s := start(t, larksim.Options{}, func(o *Options) {
		o.OnlineConnections = func(context.Context) (int, error) {
			asked.Add(1)
			return 3, nil
		}
	})
	state := s.sink.awaitState(t, func(state source.State) bool { return state.OnlineConnections == 3 })
	if state.Phase != source.Connected || !strings.Contains(state.Detail, "3 connections") {
		t.Errorf("state %+v, want connected with a detail that says so", state)
	}
	s.stop(t)
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once after connecting", n)
	}
}

// A connection can answer pings and bring no events, for hours. The platform's own count tells.
func TestAConnectionThatThePlatformForgetsIsMadeAgain(t *testing.T) {
	// What the platform answers, a letter each: a count, or that it cannot say. The last one goes on.
	for name, c := range map[string]struct {
		answers    string
		reconnects int
	}{
		"forgotten":                                    {"1001", 1},
		"forgotten, as far as known":                   {"10-01", 1},
		"forgotten again and again":                    {"1001001", 2},
		"not counted once":                             {"101010101", 0},
		"never counted":                                {"00000", 0},
		"not counted any more after it was made again": {"1000000", 1},
		"beside others":                                {"333", 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{}, 1)
			answers := c.answers
			s := start(t, larksim.Options{ReconnectInterval: time.Second}, func(o *Options) {
				o.online = onlinePace{usual: time.Millisecond, doubtful: time.Millisecond}
				o.OnlineConnections = func(context.Context) (int, error) {
					if len(answers) == 1 {
						select {
						case asked <- struct{}{}:
						default:
						}
					} else {
						defer func() { answers = answers[1:] }()
					}
					if answers[0] == '-' {
						return 0, errors.New("no answer")
					}
					return int(answers[0] - '0'), nil
				}
			})
			for range 5 {
				select {
				case <-asked:
				case <-time.After(patience):
					t.Fatalf("the platform is not asked any more: %+v", s.sink.history())
				}
			}
			s.sink.awaitState(t, func(state source.State) bool {
				return state.Phase == source.Connected && state.Reconnects == c.reconnects
			})
			history := s.sink.history()
			last := history[len(history)-1]
			if last.Phase != source.Connected || last.Reconnects != c.reconnects {
				t.Errorf("%+v, want connected after %d reconnects", last, c.reconnects)
			}
			if said := strings.Contains(last.LastError, "no longer counts"); said != (c.reconnects > 0) {
				t.Errorf("the last error is %q", last.LastError)
			}
		})
	}
}

func TestAFailureToCountConnectionsIsNoFailure(t *testing.T) {
	asked := make(chan struct{})
	s := start(t, larksim.Options{}, func(o *Options) {
		o.OnlineConnections = func(context.Context) (int, error) {
			close(asked)
			return 0, errors.New("no permission")
		}
	})
	s.connected(t)
	<-asked
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))
	s.sink.next(t).Done(nil)
	if o := outcome(t, receipt); !o.Acknowledged {
		t.Errorf("outcome %+v, want acknowledged", o)
	}
}

func TestSecretsAndContentAreNeverLogged(t *testing.T) {
	const content = "a very private message"
	s := prepare(t, larksim.Options{PingInterval: time.Second})
	s.platform.PlanBootstraps(
		larksim.BootstrapAnswer{Code: 1, Msg: "busy with " + s.platform.AppSecret()}, larksim.BootstrapAnswer{Status: 502})
	s.platform.PlanHandshakes(larksim.HandshakeAnswer{Status: 514, Msg: "not now"})
	s.run(t)
	s.connected(t)
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, content))
	s.sink.next(t).Done(errors.New("not stored"))
	s.platform.SendBody([]byte(content), larksim.Delivery{})
	s.sink.awaitMalformed(t, 1)
	s.platform.DropConnections()
	s.sink.awaitState(t, func(state source.State) bool { return state.Reconnects == 1 })
	s.stop(t)
	_ = receipt

	told := s.logs.String() + strings.Join(s.sink.complaints(), "\n")
	for _, state := range s.sink.history() {
		told += state.Detail + state.LastError
	}
	if !strings.Contains(told, "long connection open") || !strings.Contains(told, "busy with [secret]") {
		t.Errorf("the log lacks what it should say:\n%s", told)
	}
	for _, secret := range []string{s.platform.AppSecret(), larksim.VerificationToken, content, "ticket=", "access_key"} {
		if strings.Contains(told, secret) {
			t.Errorf("%q was logged or reported", secret)
		}
	}
}
