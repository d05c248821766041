package mcp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStreamedEventsAreDeliveredOnceTheyAreSent(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		id := m.stream(messageKey)
		labels, lag := `{by="stream",key="`+messageKey+`"}`, `subscription_lag_events{key="`+messageKey+`",subscription="sub_1"}`
		m.check(map[string]string{`subscriptions{key="` + messageKey + `"}`: "1", lag: "0", "delivered_total" + labels: ""})
		consumer.publish(messageKey, `1`, `!2`)
		synctest.Wait()
		m.check(map[string]string{
			"delivered_total" + labels: "2", "failed_total" + labels: "1", lag: "0",
			`delivery_latency_seconds_count{by="stream"}`: "2",
		})
		m.cancel(id)
		synctest.Wait()
		m.check(map[string]string{`subscriptions{key="` + messageKey + `"}`: "", lag: ""})
		m.end()
	})
}

func TestAStreamThatIsNotReadLags(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		w := serveHTTPInBubble(t, consumer, func(o *Options) { o.Status = consumer.Status })
		metrics := w.server.Metrics()
		client, message := w.modern("agent").message(eventsStreamMethod, follow(messageKey))
		client.do("POST", HTTPPath, strings.NewReader(message))
		for i := range 3 {
			consumer.publish(messageKey, fmt.Sprintf(`{"n":%d}`, i))
		}
		synctest.Wait()
		got := scrape(t, metrics)
		if lag := got[`subscription_lag_events{key="`+messageKey+`",subscription="sub_1"}`]; lag != "3" {
			t.Errorf("the lag is %q, want 3", lag)
		}
		if n := got[`delivered_total{by="stream",key="`+messageKey+`"}`]; n != "" {
			t.Errorf("%s events are delivered that nobody read", n)
		}
		w.end()
	})
}

func TestMetricsCountWhatAPolledSubscriptionIsGivenOnce(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		poll := func(cursor any) eventPage {
			return decode[eventPage](t, m.must("events/poll", map[string]any{"name": messageKey, "cursor": cursor}))
		}
		start := poll(nil).Cursor
		consumer.publish(messageKey, `1`, `!2`)
		labels, lag := `{by="poll",key="`+messageKey+`"}`, `subscription_lag_events{key="`+messageKey+`",subscription="sub_1"}`
		m.check(map[string]string{`subscriptions{key="` + messageKey + `"}`: "1", lag: "2", "delivered_total" + labels: ""})
		poll(start)
		poll(start)
		m.check(map[string]string{
			"delivered_total" + labels: "2", "failed_total" + labels: "1", lag: "0",
			`delivery_latency_seconds_count{by="poll"}`: "2",
		})
		time.Sleep(leaseTime)
		synctest.Wait()
		m.check(map[string]string{`subscriptions{key="` + messageKey + `"}`: "", lag: ""})
		m.end()
	})
}

func TestEventsThatArgumentsDropAreFiltered(t *testing.T) {
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		m := measure(t, consumer, consumer.Status)
		narrow := map[string]any{"name": messageKey, "arguments": map[string]any{"chat_type": "p2p"}, "cursor": consumer.head().String()}
		m.start(eventsStreamMethod, narrow)
		m.note()
		consumer.publish(messageKey, `"drop"`, `1`)
		synctest.Wait()
		m.must("events/poll", narrow)
		m.must("events/poll", narrow)
		m.check(map[string]string{
			`filtered_total{by="stream",key="` + messageKey + `"}`:  "1",
			`filtered_total{by="poll",key="` + messageKey + `"}`:    "1",
			`delivered_total{by="stream",key="` + messageKey + `"}`: "1",
			`delivered_total{by="poll",key="` + messageKey + `"}`:   "1",
		})
		m.end()
	})
}
