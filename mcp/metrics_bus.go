package mcp

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// busMetric is a metric that follows from a bus's status.
type busMetric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*protocol.Status) float64
}

func busMetrics() []busMetric {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	return []busMetric{
		{"received_total", "Events that arrived from Lark, duplicates included.", counter,
			func(s *protocol.Status) float64 { return float64(s.Counters.Received) }},
		{"journaled_total", "Events stored in the journal.", counter,
			func(s *protocol.Status) float64 { return float64(s.Counters.Journaled) }},
		{"duplicates_total", "Events that had been stored before, acknowledged and dropped.", counter,
			func(s *protocol.Status) float64 { return float64(s.Counters.Duplicates) }},
		{"malformed_total", "Deliveries that were no events, acknowledged and dropped.", counter,
			func(s *protocol.Status) float64 { return float64(s.Counters.Malformed) }},
		{"refused_total", "Events that could not be stored, which Lark delivers again.", counter,
			func(s *protocol.Status) float64 { return float64(s.Counters.Refused) }},
		{"reconnects_total", "Long connections made after the first one.", counter,
			func(s *protocol.Status) float64 { return float64(s.Source.Reconnects) }},
		{"platform_connections", "Connections the app has open anywhere, as Lark counts; 0 if unknown.", gauge,
			func(s *protocol.Status) float64 { return float64(s.Source.OnlineConnections) }},
		{"journal_events", "Events the journal retains.", gauge,
			func(s *protocol.Status) float64 { return float64(s.Journal.Events) }},
		{"journal_bytes", "Bytes of the events the journal retains.", gauge,
			func(s *protocol.Status) float64 { return float64(s.Journal.Bytes) }},
		{"journal_writable", "1 unless the last attempt to store events failed.", gauge,
			func(s *protocol.Status) float64 { return oneIf(s.Problem == "") }},
		{"journal_readable", "1 unless the journal was found to be damaged.", gauge,
			func(s *protocol.Status) float64 { return oneIf(s.Unreadable == nil) }},
		{"bus_consumers", "Programs attached to the bus.", gauge,
			func(s *protocol.Status) float64 { return float64(len(s.Consumers)) }},
		{"bus_start_time_seconds", "When the bus started, in seconds since 1970.", gauge,
			func(s *protocol.Status) float64 { return float64(s.Started.UnixMilli()) / 1000 }},
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// busCollector asks the bus at each scrape for what only the bus can count.
type busCollector struct {
	server           *Server
	up, state, acked *prometheus.Desc
	metrics          []busMetric
	descs            []*prometheus.Desc // of metrics
}

func newBusCollector(s *Server) *busCollector {
	c := &busCollector{
		server: s, metrics: busMetrics(),
		up: prometheus.NewDesc(metricPrefix+"bus_up", "1 if the app's bus runs and answers.", nil, nil),
		state: prometheus.NewDesc(metricPrefix+"connection_state",
			"1 for the state that the long connection to Lark is in, 0 for the others.", []string{"state"}, nil),
		acked: prometheus.NewDesc(metricPrefix+"acknowledgement_latency_seconds",
			"Time from the arrival of a frame to its acknowledgement being written to Lark, which waits 3 s.", nil, nil),
	}
	for _, m := range c.metrics {
		c.descs = append(c.descs, prometheus.NewDesc(metricPrefix+m.name, m.help, nil, nil))
	}
	return c
}

func (c *busCollector) describe(out chan<- *prometheus.Desc) {
	for _, desc := range append([]*prometheus.Desc{c.up, c.state, c.acked}, c.descs...) {
		out <- desc
	}
}

// collect reports whether the bus is up.
func (c *busCollector) collect(ctx context.Context, out chan<- prometheus.Metric) bool {
	status := c.server.busStatus(ctx)
	out <- prometheus.MustNewConstMetric(c.up, prometheus.GaugeValue, oneIf(status != nil))
	if status == nil {
		return false
	}
	for i, m := range c.metrics {
		out <- prometheus.MustNewConstMetric(c.descs[i], m.kind, m.value(status))
	}
	for _, phase := range []source.Phase{source.Connecting, source.Connected, source.Reconnecting, source.Failed} {
		out <- prometheus.MustNewConstMetric(c.state, prometheus.GaugeValue, oneIf(status.Source.Phase == phase), string(phase))
	}
	// A bus of another version may have none.
	if h := status.Acknowledgements; h != nil && len(h.Bounds) == len(h.Counts) {
		buckets := map[float64]uint64{}
		for i, bound := range h.Bounds {
			buckets[bound] = h.Counts[i]
		}
		out <- prometheus.MustNewConstHistogram(c.acked, h.Count, h.Sum, buckets)
	}
	return true
}

// busStatus asks the bus, and returns nil if it is down.
func (s *Server) busStatus(ctx context.Context) *protocol.Status {
	if s.opts.Status == nil {
		return nil
	}
	status, err := s.opts.Status(ctx)
	if err != nil {
		s.logger.Debug("the bus could not be asked for its metrics", "error", err)
		return nil
	}
	return status
}
