package mcp

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricPrefix begins the names of our metrics; docs/metrics.md describes them all.
const metricPrefix = "lark_events_"

const (
	// scrapeTimeout is how long a scrape waits for the bus: much less than a scraper waits for us.
	scrapeTimeout = 2 * time.Second
	maxScrapes    = 8 // at once
)

// Metrics returns the handler that answers with the server's metrics and the bus's, in Prometheus's formats. What clients
// are given is counted from the first call on, so that call it before the server is served; later calls return the same
// handler. A scrape takes two seconds at most, also if the bus is down, and starts none. The handler asks for no
// credentials: metrics hold event keys and subscription ids, and no content. At most 8 scrapes are answered at once,
// others with 503.
func (s *Server) Metrics() http.Handler { return s.scraped() }

func (s *Server) newMetricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: metricPrefix + "build_info", Help: "1, with the version of the server as label.",
		ConstLabels: prometheus.Labels{"version": s.opts.Version},
	})
	build.Set(1)
	registry.MustRegister(build, &scraper{newBusCollector(s), newSessionCollector(s), newWebhookCollector(s)},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics.start(registry)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
	})
}

// scraper looks up at each scrape what is counted elsewhere. (The library's Must functions panic on labels that do not
// fit, which are ours, and on nothing that a bus or a client can say.)
type scraper struct {
	bus      *busCollector
	sessions *sessionCollector
	webhooks *webhookCollector
}

// Describe implements [prometheus.Collector].
func (c *scraper) Describe(out chan<- *prometheus.Desc) {
	c.bus.describe(out)
	c.sessions.describe(out)
	c.webhooks.describe(out)
}

// Collect implements [prometheus.Collector].
func (c *scraper) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	up := c.bus.collect(ctx, out)
	c.sessions.collect(ctx, out, up)
	c.webhooks.collect(ctx, out, c.sessions, up)
}

// by is the way in which clients get events; a label of the counts.
type by string

const (
	byPoll    by = "poll"    // poll_events, events/poll
	byPush    by = "push"    // log and channel messages
	byStream  by = "stream"  // events/stream
	byWebhook by = "webhook" // a delivery that the endpoint took
)

// metrics counts what clients are given. Whatever hands out events tells it; that costs nothing until [Server.Metrics]
// is asked for. Its methods may be called from many goroutines at once.
type metrics struct {
	counts atomic.Pointer[deliveryCounts]
}

// deliveryCounts are the metrics that are counted as things happen. The others are looked up at a scrape.
type deliveryCounts struct {
	delivered, failed, filtered *prometheus.CounterVec   // by way and key
	latency                     *prometheus.HistogramVec // by way
}

// start begins to count, for registry.
func (m *metrics) start(registry *prometheus.Registry) {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricPrefix + name, Help: help}, []string{"by", "key"})
	}
	counts := &deliveryCounts{
		delivered: counter("delivered_total", "Events handed to clients, each counted once for a subscription and way."),
		failed:    counter("failed_total", "Of the delivered events, those whose lookup or filter failed, delivered with an error."),
		filtered:  counter("filtered_total", "Events that a subscription's params or filter dropped as they were read."),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    metricPrefix + "delivery_latency_seconds",
			Help:    "Time from an event's arrival on this machine to its being handed to a client, which includes how long the client stayed away.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 600, 3600, 86400},
		}, []string{"by"}),
	}
	registry.MustRegister(counts.delivered, counts.failed, counts.filtered, counts.latency)
	m.counts.Store(counts)
}

// delivered counts an event that a client is given now, for the first time in this way and for this subscription: an
// answer decided on, a notification passed on to be written, a webhook answered 2xx. received is consume.Event.Received;
// with the zero time the event is counted without its latency. failed means that the event carries an error.
func (m *metrics) delivered(way by, key string, received time.Time, failed bool) {
	counts := m.counts.Load()
	if counts == nil {
		return
	}
	counts.delivered.WithLabelValues(string(way), key).Inc()
	if failed {
		counts.failed.WithLabelValues(string(way), key).Inc()
	}
	if !received.IsZero() {
		// The clock may have been set back since the event arrived.
		counts.latency.WithLabelValues(string(way)).Observe(max(time.Since(received), 0).Seconds())
	}
}

// filtered counts events that were read for a client and dropped.
func (m *metrics) filtered(way by, key string, events int) {
	if counts := m.counts.Load(); counts != nil && events > 0 {
		counts.filtered.WithLabelValues(string(way), key).Add(float64(events))
	}
}
