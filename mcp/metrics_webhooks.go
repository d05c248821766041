package mcp

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

// webhookCollector looks at each scrape at the webhooks, whose clients see no failure until they refresh.
type webhookCollector struct {
	server        *Server
	webhooks, lag *prometheus.Desc
}

func newWebhookCollector(s *Server) *webhookCollector {
	return &webhookCollector{
		server: s,
		webhooks: prometheus.NewDesc(metricPrefix+"webhooks",
			"Webhook subscriptions; those that are suspended because deliveries failed for long, and the others.", []string{"key", "state"}, nil),
		lag: prometheus.NewDesc(metricPrefix+"webhook_lag_events",
			"Events of the key's type after the last one up to which a webhook has everything, before any filter; of several webhooks the furthest behind.",
			[]string{"key", "subscription"}, nil),
	}
}

func (c *webhookCollector) describe(out chan<- *prometheus.Desc) {
	out <- c.webhooks
	out <- c.lag
}

// collect asks how far webhooks are behind only if the bus is up.
func (c *webhookCollector) collect(ctx context.Context, out chan<- prometheus.Metric, sessions *sessionCollector, up bool) {
	if c.server.webhooks == nil {
		return
	}
	states := map[string]map[bool]int{} // by key, and whether active
	var readers []reader
	for _, s := range c.server.webhooks.Standings() {
		if states[s.Name] == nil {
			states[s.Name] = map[bool]int{}
		}
		states[s.Name][s.Active]++
		if feed, ok := s.Feed.(*openFeed); ok {
			readers = append(readers, reader{feed.lane.consumer, consume.At{Subscription: feed.sub, Cursor: s.Cursor}})
		}
	}
	for key, n := range states {
		out <- prometheus.MustNewConstMetric(c.webhooks, prometheus.GaugeValue, float64(n[true]), key, "active")
		out <- prometheus.MustNewConstMetric(c.webhooks, prometheus.GaugeValue, float64(n[false]), key, "suspended")
	}
	if !up {
		return
	}
	for sub, events := range sessions.lags(ctx, readers) {
		out <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, float64(events), sub.key, sub.id)
	}
}
