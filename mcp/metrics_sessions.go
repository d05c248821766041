package mcp

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// maxCounting bounds the questions to buses that one scrape asks at once.
const maxCounting = 8

// sessionCollector looks at each scrape at the sessions and the readers of the events extension, and how far each
// subscription is behind.
type sessionCollector struct {
	server                       *Server
	sessions, subscriptions, lag *prometheus.Desc
}

func newSessionCollector(s *Server) *sessionCollector {
	return &sessionCollector{
		server:   s,
		sessions: prometheus.NewDesc(metricPrefix+"sessions", "Open sessions of clients.", nil, nil),
		subscriptions: prometheus.NewDesc(metricPrefix+"subscriptions",
			"Subscriptions of clients: those of open sessions, and what events/stream, events/poll and webhooks follow.", []string{"key"}, nil),
		// Sessions are no label: their ids are secrets over HTTP, and there is no end of them.
		lag: prometheus.NewDesc(metricPrefix+"subscription_lag_events",
			"Events of the key's type that the subscription's client has not been given yet, before any filter; of several clients the furthest behind.",
			[]string{"key", "subscription"}, nil),
	}
}

func (c *sessionCollector) describe(out chan<- *prometheus.Desc) {
	out <- c.sessions
	out <- c.subscriptions
	out <- c.lag
}

// collect asks how far subscriptions are behind only if the bus is up: one that hangs would be waited for.
func (c *sessionCollector) collect(ctx context.Context, out chan<- prometheus.Metric, up bool) {
	sessions := c.server.openSessions()
	out <- prometheus.MustNewConstMetric(c.sessions, prometheus.GaugeValue, float64(len(sessions)))
	readers := c.server.hub.readers()
	for _, session := range sessions {
		readers = append(readers, session.readers()...)
	}
	byKey := map[string]int{}
	for _, r := range readers {
		byKey[r.at.Subscription.Key.Key]++
	}
	for key, n := range byKey {
		out <- prometheus.MustNewConstMetric(c.subscriptions, prometheus.GaugeValue, float64(n), key)
	}
	if !up {
		return
	}
	for sub, events := range c.lags(ctx, readers) {
		out <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, float64(events), sub.key, sub.id)
	}
}

// reader is one that reads a subscription's events, and how far it has been given them; an unset cursor says nothing.
type reader struct {
	consumer Consumer
	at       consume.At
}

// readers are those of the session's subscriptions.
func (s *Session) readers() []reader {
	consumer := s.madeConsumer()
	if consumer == nil {
		return nil
	}
	var readers []reader
	for _, sub := range s.subs.all() {
		readers = append(readers, reader{consumer, consume.At{Subscription: sub.Subscription, Cursor: sub.given()}})
	}
	return readers
}

// lagging names a subscription; clients with the same one share the name, and rarely others whose ids are alike.
type lagging struct{ key, id string }

// lags counts how far the subscriptions are behind. One that the bus does not tell in time is left out.
func (c *sessionCollector) lags(ctx context.Context, readers []reader) map[lagging]int {
	var mu sync.Mutex
	found := map[lagging]int{}
	var asking sync.WaitGroup
	room := make(chan struct{}, maxCounting)
	for _, r := range readers {
		if r.at.Cursor.Journal == "" {
			continue
		}
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			behind, err := r.consumer.Behind(ctx, r.at)
			if err != nil {
				c.server.logger.Debug("the lag of a subscription could not be counted", "subscription", r.at.Subscription.ID, "error", err)
				return
			}
			name := lagging{r.at.Subscription.Key.Key, r.at.Subscription.ID}
			mu.Lock()
			defer mu.Unlock()
			found[name] = max(found[name], behind)
		})
	}
	asking.Wait()
	return found
}
