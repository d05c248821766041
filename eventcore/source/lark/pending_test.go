package lark

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestOverdueDeliveriesAreAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan *delivery, 10)
		p := newPending()
		add := func() *delivery {
			d := &delivery{arrived: time.Now(), answers: answers}
			p.add(d)
			return d
		}
		first := add()
		<-p.wake
		time.Sleep(time.Second)
		second := add()
		quick := add()
		quick.done(nil)
		if got := <-answers; got != quick || got.code != 200 {
			t.Errorf("the first answer has code %d, want the quick one's 200", got.code)
		}
		if wait := p.expire(time.Now()); wait != answerWithin-time.Second {
			t.Errorf("next look in %v, want when the first is due", wait)
		}
		time.Sleep(answerWithin - time.Second)
		if wait := p.expire(time.Now()); wait != time.Second {
			t.Errorf("next look in %v, want when the second is due", wait)
		}
		if got := <-answers; got != first || got.code != 500 {
			t.Errorf("answered %d, want 500 for the first", got.code)
		}
		second.done(nil)
		if wait := p.expire(time.Now()); wait != 0 {
			t.Errorf("next look in %v, want none: nothing is under way", wait)
		}
		if len(p.wake) != 0 {
			t.Error("woken twice for one deadline")
		}
		add()
		if len(p.wake) != 1 {
			t.Error("not woken for a deadline after a pause")
		}
		if first.answer(200) {
			t.Error("a delivery was answered twice")
		}
	})
}

func TestPendingForgetsWhatIsAnswered(t *testing.T) {
	answers := make(chan *delivery, 1)
	p := newPending()
	for range 10_000 {
		d := &delivery{arrived: time.Unix(0, 0), answers: answers}
		p.add(d)
		d.done(nil)
		<-answers
	}
	if len(p.queue) > 1 {
		t.Errorf("%d deliveries are kept, want at most the last", len(p.queue))
	}
}
