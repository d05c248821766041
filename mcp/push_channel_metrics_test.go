package mcp

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// measuredChannel runs a test on a server with metrics that Ada may wake an agent through.
func measuredChannel(t *testing.T, test func(m *measured, consumer *fakeConsumer)) {
	t.Helper()
	registerKeys(t, messageDefinition())
	synctest.Test(t, func(t *testing.T) {
		consumer := newFakeConsumer()
		c := serve(t, consumer, toAda, func(o *Options) { o.Status = consumer.Status }).listen().initialize()
		test(&measured{c, c.server.Metrics()}, consumer)
		if err := c.end(); err != nil {
			t.Error(err)
		}
	})
}

// expect waits for everything under way and compares what has been pushed of messages, and what is still to be read.
func (m *measured) expect(delivered, lag int) {
	m.t.Helper()
	synctest.Wait()
	m.check(map[string]string{
		`delivered_total{by="push",key="` + messageKey + `"}`:                    fmt.Sprint(delivered),
		`subscription_lag_events{key="` + messageKey + `",subscription="sub_1"}`: fmt.Sprint(lag),
	})
}

// An event that a message only counts, or that nobody told of, has not been given to the client before it is polled.
func TestTheLagHasWhatChannelMessagesLeaveOut(t *testing.T) {
	measuredChannel(t, func(m *measured, consumer *fakeConsumer) {
		m.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, byAda("1"), byAda("2"))
		m.expect(2, 0)
		time.Sleep(time.Minute)
		var burst []string
		for range 100 {
			burst = append(burst, byAda("x"))
		}
		for range 50 {
			burst = append(burst, `{"sender_id":"ou_eve"}`)
		}
		consumer.publish(messageKey, burst...) // 3 to 152
		m.expect(7, 145)
		time.Sleep(time.Minute)
		consumer.publish(messageKey, byAda("153")) // told of, but not what is before it
		m.expect(8, 146)
		m.poll(map[string]any{"max_events": 151})
		m.expect(8, 2)
		m.poll(map[string]any{"max_events": 1}) // the last that was left out
		m.expect(8, 0)
		time.Sleep(time.Minute)
		consumer.publish(messageKey, byAda("154"))
		m.expect(9, 0)
		time.Sleep(time.Minute)
		consumer.publish(messageKey, `{"sender_id":"ou_eve"}`) // 155
		m.expect(9, 1)
		time.Sleep(time.Minute)
		consumer.publish(messageKey, byAda("156"))
		m.expect(10, 2)
		m.poll(nil)
		m.expect(10, 0)
	})
}

func TestAnEventToldOnceIsDeliveredToEachOfItsSubscriptions(t *testing.T) {
	measuredChannel(t, func(m *measured, consumer *fakeConsumer) {
		for _, kind := range []string{"group", "p2p"} {
			m.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": kind}})
			synctest.Wait() // until the channel has it
		}
		consumer.publish(messageKey, byAda("hello"))
		m.expect(2, 0)
		m.check(map[string]string{`subscription_lag_events{key="` + messageKey + `",subscription="sub_2"}`: "0"})
	})
}

// What was left out of a journal matters no more when another has taken its place.
func TestTheLagOfAChannelBeginsAnewWithTheJournal(t *testing.T) {
	measuredChannel(t, func(m *measured, consumer *fakeConsumer) {
		m.subscribe(map[string]any{"key": messageKey})
		consumer.publish(messageKey, `{"sender_id":"ou_eve"}`, byAda("2"))
		m.expect(1, 2)
		consumer.change(func(f *fakeConsumer) { f.journal, f.events, f.rewind = "j2", nil, true })
		consumer.more.fire()
		time.Sleep(time.Minute)
		m.poll(nil)
		consumer.publish(messageKey, byAda("1"), byAda("2"), byAda("3")) // the second was told of before
		time.Sleep(time.Minute)
		m.expect(3, 0)
	})
}

// Events that come again, as from a journal that is read from its beginning, are given as far as they were shown.
func TestTheLagHasWhatIsReadAgainAndWasNotShown(t *testing.T) {
	measuredChannel(t, func(m *measured, consumer *fakeConsumer) {
		m.subscribe(map[string]any{"key": messageKey})
		var burst []string
		for range maxShown + 2 {
			burst = append(burst, byAda("x"))
		}
		consumer.publish(messageKey, burst...)
		m.expect(maxShown, 2)
		time.Sleep(time.Minute)
		m.subscribe(map[string]any{"key": messageKey, "params": map[string]any{"chat_type": "p2p"}, "from": "earliest"})
		time.Sleep(time.Minute)
		m.expect(maxShown, 2)
		m.check(map[string]string{`subscription_lag_events{key="` + messageKey + `",subscription="sub_2"}`: "2"})
	})
}
