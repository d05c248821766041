package lark

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestAnEventArrivesAndIsAcknowledgedOnlyAfterDone(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))

	event := s.sink.next(t)
	if event.EventID != receipt.EventID || event.EventType != "im.message.receive_v1" {
		t.Errorf("delivered %s of type %s, want %s of type im.message.receive_v1", event.EventID, event.EventType, receipt.EventID)
	}
	if bytes.Contains(event.Payload, []byte(larksim.VerificationToken)) {
		t.Error("the payload still holds the verification token")
	}
	select {
	case <-receipt.Done():
		t.Fatal("acknowledged before Done was called")
	default:
	}
	if c := s.platform.Counts(); c.Acked+c.Refused != 0 {
		t.Fatalf("answered before Done was called: %+v", c)
	}
	event.Done(nil)
	if o := outcome(t, receipt); !o.Acknowledged || o.Attempts != 1 {
		t.Errorf("outcome %+v, want acknowledged at the first attempt", o)
	}
}

func TestAnEventThatWasNotStoredIsSentAgain(t *testing.T) {
	s := start(t, larksim.Options{Redelivery: []time.Duration{time.Millisecond}})
	s.connected(t)
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))

	s.sink.next(t).Done(errors.New("disk full"))
	again := s.sink.next(t)
	if again.EventID != receipt.EventID {
		t.Errorf("the second delivery has id %s, want %s", again.EventID, receipt.EventID)
	}
	again.Done(nil)
	o := outcome(t, receipt)
	if !slices.Equal(o.Codes, []int{500, 200}) {
		t.Errorf("answers %v, want 500 and then 200", o.Codes)
	}
}

func TestTheTimeOfAnAcknowledgementIsToldAndThatOfARefusalIsNot(t *testing.T) {
	s := start(t, larksim.Options{Redelivery: []time.Duration{time.Millisecond}})
	s.connected(t)
	began := time.Now()
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))
	s.sink.next(t).Done(errors.New("disk full"))
	s.sink.next(t).Done(nil)
	outcome(t, receipt)
	s.stop(t) // whatever is to be told has been
	if acks := s.sink.acks; len(acks) != 1 || acks[0] <= 0 || acks[0] > time.Since(began) {
		t.Errorf("told of %v, want one acknowledgement within %v", acks, time.Since(began))
	}
}

func TestASilentSinkIsAnsweredForInTimeAndOnce(t *testing.T) {
	if answerWithin >= 3*time.Second {
		t.Errorf("a silent sink is answered for after %v, and the platform waits 3 s", answerWithin)
	}
	// This platform waits longer, for a machine that stands still meanwhile.
	s := start(t, larksim.Options{AckTimeout: patience, Redelivery: []time.Duration{time.Millisecond}})
	s.connected(t)
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))

	late := s.sink.next(t)
	again := s.sink.next(t) // comes only after a refusal of the first
	late.Done(nil)
	again.Done(nil)
	o := outcome(t, receipt)
	if !slices.Equal(o.Codes, []int{500, 200}) {
		t.Errorf("answers %v, want 500 and then 200", o.Codes)
	}
	if c := s.platform.Counts(); c.TimedOut != 0 || c.StrayAcks != 0 {
		t.Errorf("counts %+v, want no timeout and no second answer", c)
	}
}

func TestChunksAreJoined(t *testing.T) {
	// What is whole is taken at the first attempt. What is not has no answer, and comes again once the platform's time for
	// it is over, which is short here: a busy machine may miss it once more.
	whole := larksim.Options{AckTimeout: patience}
	missed := larksim.Options{AckTimeout: 300 * time.Millisecond, Redelivery: slices.Repeat([]time.Duration{time.Millisecond}, 1000)}
	cases := []struct {
		name     string
		how      larksim.Delivery
		platform larksim.Options
	}{
		{"in order", larksim.Delivery{ChunkSize: 100}, whole},
		{"out of order", larksim.Delivery{ChunkSize: 100, Reverse: true}, whole},
		{"each twice", larksim.Delivery{ChunkSize: 100, Twice: true}, whole},
		{"one missing at first", larksim.Delivery{ChunkSize: 100, Omit: true}, missed},
	}
	text := strings.Repeat("a long message ", 100)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.platform)
			s.connected(t)
			receipt := s.platform.SendAs(larksim.Text(larksim.Ada, larksim.Engineering, text), c.how)
			event := s.sink.next(t)
			if event.EventID != receipt.EventID || !bytes.Contains(event.Payload, []byte(text)) {
				t.Errorf("delivered %s (%d bytes), want %s with the whole text", event.EventID, len(event.Payload), receipt.EventID)
			}
			event.Done(nil)
			if o := s.takeUntilSettled(t, receipt); !o.Acknowledged || (o.Attempts > 1) != c.how.Omit {
				t.Errorf("outcome %+v, want acknowledged at the first attempt, unless that lacks a chunk", o)
			}
		})
	}
}

func TestACardCallbackIsDeliveredAndAnswered(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	receipt := s.platform.Send(larksim.CardPressed(larksim.Ada, larksim.Engineering, "om_1", map[string]any{"ok": true}))
	event := s.sink.next(t)
	if event.EventType != larksim.CardAction {
		t.Errorf("type %q, want %q", event.EventType, larksim.CardAction)
	}
	event.Done(nil)
	if o := outcome(t, receipt); !o.Acknowledged {
		t.Errorf("outcome %+v, want acknowledged", o)
	}
}

func TestWhatIsNoEventIsCountedAndAcknowledged(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	bodies := []string{`not json`, `[]`, `{}`, `{"schema":"2.0","header":{"event_id":"1"}}`, `{"challenge":"x","type":"url_verification"}`, ``}
	for i, body := range bodies {
		receipt := s.platform.SendBody([]byte(body), larksim.Delivery{})
		if o := outcome(t, receipt); !o.Acknowledged || o.Attempts != 1 {
			t.Errorf("%q: outcome %+v, want acknowledged at once", body, o)
		}
		if got := s.sink.awaitMalformed(t, i+1); len(got) != i+1 {
			t.Errorf("%q: %d complaints, want %d", body, len(got), i+1)
		}
	}
}

func TestGarbageDoesNotDisturbTheConnection(t *testing.T) {
	s := start(t, larksim.Options{})
	s.connected(t)
	s.sink.take = func(event source.Event) { event.Done(nil) }
	s.platform.SendGarbage(500)
	for _, f := range []frame.Frame{
		{Method: 7},
		{Method: -1, Payload: []byte("x")},
		{Method: frame.MethodControl, Headers: frame.Headers{{Key: "type", Value: "news"}}},
		{Method: frame.MethodControl, Headers: frame.Headers{{Key: "type", Value: "pong"}}, Payload: []byte("not json")},
		{Method: frame.MethodControl, Headers: frame.Headers{{Key: "type", Value: "pong"}}, Payload: []byte(`{"PingInterval":-5}`)},
		dataFrame("mystery", "1", "0", "m1"),
		dataFrame("event", "2", "5", "m2"),
		dataFrame("event", "2", "-1", "m3"),
		dataFrame("event", "1000000000", "0", "m4"),
		dataFrame("event", "2", "0", ""),
	} {
		s.platform.SendRaw(f.Marshal())
	}
	receipt := s.platform.Send(larksim.Text(larksim.Ada, larksim.Engineering, "still there?"))
	if o := outcome(t, receipt); !o.Acknowledged {
		t.Errorf("outcome %+v, want acknowledged", o)
	}
	if c := s.platform.Counts(); c.Opened != 1 {
		t.Errorf("%d connections were opened, want the first one to live on", c.Opened)
	}
	complaints := strings.Join(s.sink.complaints(), "\n")
	for _, want := range []string{"unknown type", "out of range", "is more than", "names no message", "no frame"} {
		if !strings.Contains(complaints, want) {
			t.Errorf("no complaint says %q", want)
		}
	}
}

func dataFrame(kind, sum, seq, id string) frame.Frame {
	return frame.Frame{Method: frame.MethodData, Payload: []byte(`{}`), Headers: frame.Headers{
		{Key: frame.HeaderType, Value: kind}, {Key: frame.HeaderSum, Value: sum},
		{Key: frame.HeaderSeq, Value: seq}, {Key: frame.HeaderMessageID, Value: id},
	}}
}

func TestManyEventsAreEachDeliveredOnce(t *testing.T) {
	const events = 1000
	s := prepare(t, larksim.Options{})
	seen := map[string]int{}
	s.sink.take = func(event source.Event) { // one reader, so no lock
		seen[event.EventID]++
		event.Done(nil)
	}
	s.run(t)
	s.connected(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	load, err := s.platform.SendAll(ctx, s.platform.Texts(events, 200), 256)
	if err != nil || load.Acknowledged != events {
		t.Fatalf("%d acknowledged (%v), want %d", load.Acknowledged, err, events)
	}
	s.stop(t)
	if len(seen) != events {
		t.Errorf("%d different events arrived, want %d", len(seen), events)
	}
}

func TestTheAnswerIsTheFrameWithOurPayload(t *testing.T) {
	queue := make(chan *delivery, 1)
	d := &delivery{frame: dataFrame("event", "1", "0", "m1"), arrived: time.Unix(100, 0), answers: queue}
	d.frame.SeqID, d.frame.LogID, d.frame.Service = 7, 8, 9
	d.done(nil)
	d.done(errors.New("too late"))
	encoded := (<-queue).appendTo(nil, time.Unix(100, 0).Add(1500*time.Millisecond))
	var got frame.Frame
	if err := got.Unmarshal(encoded); err != nil {
		t.Fatal(err)
	}
	if got.SeqID != 7 || got.LogID != 8 || got.Service != 9 || got.Headers.Get(frame.HeaderMessageID) != "m1" {
		t.Errorf("the answer does not repeat the frame: %+v", got)
	}
	if rt := got.Headers.Get(frame.HeaderBizRt); rt != "1500" {
		t.Errorf("biz_rt is %q, want 1500", rt)
	}
	if string(got.Payload) != frame.AnswerTaken {
		t.Errorf("payload %s, want %s", got.Payload, frame.AnswerTaken)
	}
}
