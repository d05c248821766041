package lark

import (
	"context"
	"time"
)

const (
	onlineEvery   = 10 * time.Minute
	onlineTimeout = 10 * time.Second
)

// watchOnline asks how many connections the app has open, now and every ten minutes, until ctx ends.
func (s *Source) watchOnline(ctx context.Context, states *reporter) {
	if s.options.OnlineConnections == nil {
		return
	}
	ticker := time.NewTicker(onlineEvery)
	defer ticker.Stop()
	for {
		s.askOnline(ctx, states)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Source) askOnline(ctx context.Context, states *reporter) {
	asking, cancel := context.WithTimeout(ctx, onlineTimeout)
	defer cancel()
	count, err := s.options.OnlineConnections(asking)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		s.log.Debug("number of online connections unknown", "error", err)
		return
	case count > 1:
		s.log.Warn("the app has other connections open, which receive part of its events", "online", count)
	}
	states.online(count)
}
