package mcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/mcp/webhook"
)

// measured is a server with metrics, and one client of it.
type measured struct {
	*client
	scrape http.Handler
}

// measure serves a client of a server whose bus answers with status.
func measure(t *testing.T, consumer *fakeConsumer, status func(context.Context) (*protocol.Status, error)) *measured {
	t.Helper()
	c := serve(t, consumer, func(o *Options) { o.Status = status }).listen().initialize()
	return &measured{c, c.server.Metrics()}
}

// metrics scrapes and returns the lines of our own metrics, without comments.
func (m *measured) metrics() map[string]string {
	m.t.Helper()
	return scrape(m.t, m.scrape)
}

func scrape(t *testing.T, handler http.Handler) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("the scrape failed: %d %s", answer.Code, answer.Body)
	}
	found := map[string]string{}
	for line := range strings.Lines(answer.Body.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, metricPrefix) {
			found[strings.TrimPrefix(name, metricPrefix)] = value
		}
	}
	return found
}

// check compares some of the metrics; an empty value means that there is none.
func (m *measured) check(want map[string]string) {
	m.t.Helper()
	got := m.metrics()
	for name, value := range want {
		if got[name] != value {
			m.t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestMetricsShowWhatTheBusCounts(t *testing.T) {
	status := &protocol.Status{
		Started: time.UnixMilli(1_700_000_000_500), Source: source.State{Phase: source.Reconnecting, Reconnects: 3, OnlineConnections: 2},
		Journal:   protocol.JournalStats{Events: 11, Bytes: 4096},
		Consumers: []protocol.Consumer{{}, {}},
		Counters:  protocol.Counters{Received: 15, Journaled: 11, Duplicates: 2, Malformed: 1, Refused: 4},
		Acknowledgements: &protocol.Histogram{
			Bounds: []float64{0.001, 3}, Counts: []uint64{9, 14}, Count: 15, Sum: 4.5,
		},
	}
	m := measure(t, newFakeConsumer(), func(context.Context) (*protocol.Status, error) { return status, nil })
	m.check(map[string]string{
		"bus_up": "1", "received_total": "15", "journaled_total": "11", "duplicates_total": "2", "malformed_total": "1",
		"refused_total": "4", "reconnects_total": "3", "platform_connections": "2", "journal_events": "11",
		"journal_bytes": "4096", "journal_writable": "1", "journal_readable": "1", "bus_consumers": "2",
		"bus_start_time_seconds": "1.7000000005e+09", `build_info{version="test"}`: "1",
		`connection_state{state="reconnecting"}`: "1", `connection_state{state="connected"}`: "0",
		`connection_state{state="connecting"}`: "0", `connection_state{state="failed"}`: "0",
		`acknowledgement_latency_seconds_bucket{le="0.001"}`: "9", `acknowledgement_latency_seconds_bucket{le="3"}`: "14",
		`acknowledgement_latency_seconds_bucket{le="+Inf"}`: "15", "acknowledgement_latency_seconds_sum": "4.5",
		"sessions": "1",
	})
	status.Problem, status.Unreadable = "disk full", &eventcore.Error{Code: eventcore.CodeInternal, Message: "damaged"}
	status.Acknowledgements = nil // as from a bus of an older version
	m.check(map[string]string{
		"bus_up": "1", "journal_writable": "0", "journal_readable": "0", "acknowledgement_latency_seconds_count": "",
	})
	status.Acknowledgements = &protocol.Histogram{Bounds: []float64{1, 1}, Counts: []uint64{5}}
	status.Source.Phase = "asleep"
	m.check(map[string]string{
		"bus_up": "1", "acknowledgement_latency_seconds_count": "", `connection_state{state="connected"}`: "0", "sessions": "1",
	})
	m.end()
}

func TestABusThatIsDownIsAMetricAndNoFailedScrape(t *testing.T) {
	for name, status := range map[string]func(context.Context) (*protocol.Status, error){
		"no bus runs":                func(context.Context) (*protocol.Status, error) { return nil, errors.New("no bus") },
		"no app is configured":       nil,
		"the bus answers with none":  func(context.Context) (*protocol.Status, error) { return nil, nil },
		"the bus does not answer it": func(ctx context.Context) (*protocol.Status, error) { <-ctx.Done(); return nil, ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			registerKeys(t, messageDefinition())
			synctest.Test(t, func(t *testing.T) {
				m := measure(t, newFakeConsumer(), status)
				m.subscribe(map[string]any{"key": messageKey})
				began := time.Now()
				m.check(map[string]string{
					"bus_up": "0", "received_total": "", "journal_writable": "", "sessions": "1",
					`subscriptions{key="` + messageKey + `"}`:                                "1",
					`subscription_lag_events{key="` + messageKey + `",subscription="sub_1"}`: "",
				})
				if took := time.Since(began); took > scrapeTimeout {
					t.Errorf("the scrape took %v, want at most %v", took, scrapeTimeout)
				}
				m.end()
			})
		})
	}
}

func TestAScrapeMakesNoConsumer(t *testing.T) {
	made := 0
	c := serve(t, nil, func(o *Options) {
		o.Consumer = func() (Consumer, error) { made++; return nil, errors.New("none is wanted") }
	}).listen().initialize()
	scrape(t, c.server.Metrics())
	if made != 0 {
		t.Errorf("%d consumers were made", made)
	}
	c.end()
}

func TestMetricsCountWhatPollsReturnOnce(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		m.subscribe(map[string]any{"key": messageKey, "filter": "drop"})
		start := m.poll(nil).Cursor
		consumer.publish(messageKey, `1`, `"drop"`, `!2`)
		time.Sleep(40 * time.Second)
		consumer.publish(messageKey, `3`)

		labels := `{by="poll",key="` + messageKey + `"}`
		m.check(map[string]string{
			"delivered_total" + labels: "",
			`subscription_lag_events{key="` + messageKey + `",subscription="sub_1"}`: "4",
		})
		m.poll(nil)
		m.poll(map[string]any{"cursor": start})
		m.check(map[string]string{
			"delivered_total" + labels: "3", "failed_total" + labels: "1", "filtered_total" + labels: "1",
			`delivery_latency_seconds_count{by="poll"}`:                              "3",
			`delivery_latency_seconds_bucket{by="poll",le="0.001"}`:                  "1",
			`delivery_latency_seconds_bucket{by="poll",le="30"}`:                     "1",
			`delivery_latency_seconds_bucket{by="poll",le="60"}`:                     "3",
			`subscription_lag_events{key="` + messageKey + `",subscription="sub_1"}`: "0",
		})
		m.end()
	})
}

func TestAPollThatIsNotAnsweredIsNotCounted(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		m.subscribe(map[string]any{"key": messageKey})
		id := m.start("tools/call", toolCall("poll_events", map[string]any{"wait_seconds": 30}))
		synctest.Wait()
		m.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}`, id))
		synctest.Wait()
		consumer.publish(messageKey, `1`)
		m.check(map[string]string{`delivered_total{by="poll",key="` + messageKey + `"}`: ""})
		m.end()
	})
}

func TestPushedEventsAreDeliveredAndNoLagEvenIfNobodyPolls(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		m.request("logging/setLevel", map[string]any{"level": "info"})
		m.subscribe(map[string]any{"key": messageKey, "filter": "drop"})
		consumer.publish(messageKey, `1`, `!2`, `"drop"`)
		synctest.Wait()
		labels := `{by="push",key="` + messageKey + `"}`
		m.check(map[string]string{
			"delivered_total" + labels: "2", "failed_total" + labels: "1", "filtered_total" + labels: "1",
			`delivery_latency_seconds_count{by="push"}`:                              "2",
			`subscription_lag_events{key="` + messageKey + `",subscription="sub_1"}`: "0",
		})
		m.end()
	})
}

func TestAResourceUpdateDeliversNothing(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		sub := m.subscribe(map[string]any{"key": messageKey})
		m.request("resources/subscribe", map[string]any{"uri": subscriptionURI(sub.SubscriptionID)})
		consumer.publish(messageKey, `1`)
		time.Sleep(time.Second)
		if notes := m.drainNotes(updatedMethod); len(notes) == 0 {
			t.Fatal("no update came")
		}
		m.check(map[string]string{
			`delivered_total{by="push",key="` + messageKey + `"}`:                    "",
			`subscription_lag_events{key="` + messageKey + `",subscription="sub_1"}`: "1",
		})
		m.end()
	})
}

// Two sessions that subscribe alike have the same subscription id, and a metric can be there only once.
func TestTheLagOfSessionsWithTheSameSubscriptionIsThatOfTheLast(t *testing.T) {
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	server := NewServer(Options{
		Consumer: func() (Consumer, error) { return consumer, nil }, Status: consumer.Status,
	})
	handler := server.Metrics()
	for range 2 {
		session := server.newSession(newOutbox(), "")
		defer session.close(t.Context())
		made, err := session.consumer()
		if err != nil {
			t.Fatal(err)
		}
		sub, _, err := session.subscribe(t.Context(), made, PushOff, consume.Request{Key: messageKey})
		if err != nil {
			t.Fatal(err)
		}
		consumer.publish(messageKey, `1`)
		sub.advance(consumer.head(), nil, 0, false)
		consumer.publish(messageKey, `2`)
	}
	for range 20 { // they are asked at once, and answer in any order
		got := scrape(t, handler)
		if lag := got[`subscription_lag_events{key="`+messageKey+`",subscription="sub_1"}`]; lag != "3" {
			t.Fatalf("the lag is %q, want the 3 of the one further behind", lag)
		}
		if n := got[`subscriptions{key="`+messageKey+`"}`]; n != "2" {
			t.Fatalf("%q subscriptions, want 2", n)
		}
	}
}

func TestNothingIsCountedBeforeMetricsAreWanted(t *testing.T) {
	m := NewServer(Options{}).metrics.counts.Load()
	if m != nil {
		t.Error("counts are kept that nobody asked for")
	}
	var off metrics
	if n := testing.AllocsPerRun(100, func() { off.delivered(byPoll, messageKey, time.Now(), false); off.filtered(byPoll, messageKey, 1) }); n != 0 {
		t.Errorf("%v allocations for an event that is not counted", n)
	}
}

func TestAClockThatWasSetBackMakesNoNegativeLatency(t *testing.T) {
	server := NewServer(Options{})
	handler := server.Metrics()
	server.metrics.delivered(byWebhook, messageKey, time.Now().Add(time.Hour), false)
	server.metrics.delivered(byStream, messageKey, time.Time{}, false)
	got := scrape(t, handler)
	if sum := got[`delivery_latency_seconds_sum{by="webhook"}`]; sum != "0" {
		t.Errorf("the latency is %q, want 0", sum)
	}
	if n := got[`delivered_total{by="stream",key="`+messageKey+`"}`]; n != "1" {
		t.Errorf("an event of unknown arrival counts %q, want 1", n)
	}
	if n, there := got[`delivery_latency_seconds_count{by="stream"}`]; there {
		t.Errorf("its latency is counted %q times", n)
	}
}

// everyMetric returns a scrape in which each metric has a value.
func everyMetric(t *testing.T) string {
	t.Helper()
	registerKeys(t, messageDefinition())
	consumer := newFakeConsumer()
	m := measure(t, consumer, func(ctx context.Context) (*protocol.Status, error) {
		status, err := consumer.Status(ctx)
		status.Acknowledgements = &protocol.Histogram{Bounds: []float64{1}, Counts: []uint64{0}}
		return status, err
	})
	m.subscribe(map[string]any{"key": messageKey})
	m.server.metrics.delivered(byPoll, messageKey, time.Now(), true)
	m.server.metrics.filtered(byPoll, messageKey, 1)
	feed := openWebhookFeed(t, m.server.Feeds())
	m.server.OfferWebhooks(&fakeWebhooks{stand: []webhook.Standing{{Name: messageKey, Active: true, Cursor: feed.Start(), Feed: feed}}})
	answer := httptest.NewRecorder()
	m.scrape.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	m.end()
	return answer.Body.String()
}

func TestTheMetricsKeepPrometheusConventions(t *testing.T) {
	text := everyMetric(t)
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	for _, want := range []string{"\ngo_goroutines ", "\ngo_info{"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestTheDocumentationHasEveryMetricAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(metricPrefix+`[a-z_]+`).FindAllString(string(page), -1) {
		named[name] = true
	}
	scraped := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (`+metricPrefix+`\S+)`).FindAllStringSubmatch(everyMetric(t), -1) {
		scraped[line[1]] = true
	}
	if !maps.Equal(named, scraped) {
		t.Errorf("docs/metrics.md names\n%v\nand a scrape has\n%v", slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(scraped)))
	}
}
