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
