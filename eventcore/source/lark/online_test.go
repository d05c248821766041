package lark

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

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
