package lark

import (
	"context"
	"errors"
	"time"
)

// onlineTimeout bounds one question to the platform.
const onlineTimeout = 10 * time.Second

// onlinePace is how often the platform is asked how many connections it counts, and how often while that is in doubt.
type onlinePace struct{ usual, doubtful time.Duration }

var defaultOnlinePace = onlinePace{usual: 10 * time.Minute, doubtful: time.Minute}

// errForgotten ends a connection that answers pings, and brings no events: users of other tools saw it stay so for hours.
var errForgotten = errors.New("the platform no longer counts this connection, though it answers")

// watchOnline asks how many connections the app has open, now and from time to time, until ctx ends. It returns
// errForgotten if the platform counted one and no longer does, also when asked again, and no frame has arrived in between:
// frames counts those. A platform that has not counted any since the connection was made proves nothing.
func (s *Source) watchOnline(ctx context.Context, states *reporter, frames func() uint64) error {
	if s.options.OnlineConnections == nil {
		return nil
	}
	pace, began := s.options.online, time.Now()
	counted, missing, arrived := false, false, uint64(0)
	for {
		count, known := s.askOnline(ctx, states)
		switch {
		case !known:
		case count > 0:
			counted, missing = true, false
		case missing && frames() == arrived:
			return errForgotten
		case counted:
			s.log.Info("the platform counts no connection; asking again", "wait", pace.doubtful)
			missing, arrived = true, frames()
		}
		wait := pace.usual
		// It may count a new connection only after a while, and the one before it for another while.
		if young := time.Since(began) < pace.usual; missing || young && (!counted || count > 1) {
			wait = pace.doubtful
		}
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// askOnline asks once, tells what the answer is, and reports whether there was one.
func (s *Source) askOnline(ctx context.Context, states *reporter) (count int, known bool) {
	asking, cancel := context.WithTimeout(ctx, onlineTimeout)
	defer cancel()
	count, err := s.options.OnlineConnections(asking)
	switch {
	case ctx.Err() != nil:
		return 0, false
	case err != nil:
		s.log.Debug("number of online connections unknown", "error", err)
		return 0, false
	case count > 1:
		s.log.Warn("the app has other connections open, which receive part of its events", "online", count)
	}
	states.online(count)
	return count, true
}
