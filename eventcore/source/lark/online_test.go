package lark

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

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

// What the platform answers in each minute is a letter: its count, or that it does not answer. The last one goes on.
func TestWhenThePlatformIsAskedHowManyConnectionsItCounts(t *testing.T) {
	for name, test := range map[string]struct {
		answers string
		frames  bool  // arrive all the time
		asked   []int // in these minutes
		err     error // after the last of them
	}{
		"all is well":                      {"1", false, []int{0, 10, 20}, nil},
		"forgotten":                        {"1111111110", false, []int{0, 10, 11}, errForgotten},
		"forgotten, and then no answers":   {"11111111110-", false, []int{0, 10, 11, 12, 13}, nil},
		"forgotten, and no answer once":    {"11111111110-0", false, []int{0, 10, 11, 12}, errForgotten},
		"counted late, and then forgotten": {"0011111110", false, []int{0, 1, 2, 12, 13}, errForgotten},
		"unknown at first, then forgotten": {"-111111110", false, []int{0, 1, 11, 12}, errForgotten},
		"not counted, and events come":     {"1111111110", true, []int{0, 10, 11, 12, 13}, nil},
		"not counted for a moment":         {"11111111110111", false, []int{0, 10, 11, 21}, nil},
		"the one before it is counted":     {"221", false, []int{0, 1, 2, 12}, nil},
		"never counted":                    {"0", false, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := time.Now()
				minute := func() int { return int(time.Since(began) / time.Minute) }
				var asked []int
				s := New(Options{OnlineConnections: func(context.Context) (int, error) {
					asked = append(asked, minute())
					answer := test.answers[min(minute(), len(test.answers)-1)]
					if answer == '-' {
						return 0, errors.New("no answer")
					}
					return int(answer - '0'), nil
				}})
				frames := func() uint64 {
					if !test.frames {
						return 7
					}
					return uint64(minute())
				}
				states := newReporter(newRecorder())
				states.connected()
				// Ends in the middle between two questions, if errForgotten does not end it.
				time.AfterFunc(time.Duration(test.asked[len(test.asked)-1])*time.Minute+time.Second, cancel)
				err := s.watchOnline(ctx, states, frames)
				if !slices.Equal(asked, test.asked) || !errors.Is(err, test.err) {
					t.Errorf("asked in the minutes %v, and %v; want %v, and %v", asked, err, test.asked, test.err)
				}
			})
		})
	}
}
