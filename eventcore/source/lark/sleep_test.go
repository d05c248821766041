package lark

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// Timers stand still while a laptop sleeps. A connection that did not survive must not be waited for as if no time had
// passed, and one that did stays.
func TestAfterASleepAConnectionHasToProveThatItLives(t *testing.T) {
	for name, alive := range map[string]bool{"that lives": true, "that does not": false} {
		t.Run(name, func(t *testing.T) {
			var asleep atomic.Int64
			answer := patience
			if !alive {
				answer = 50 * time.Millisecond
			}
			s := start(t, larksim.Options{PingInterval: time.Hour, ReconnectInterval: time.Second}, func(o *Options) {
				o.sleep = sleepy(&asleep, answer)
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
