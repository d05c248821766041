package lark_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// badBootstraps are answers to the request for an endpoint after which another attempt may succeed.
var badBootstraps = []larksim.BootstrapAnswer{
	{Code: frame.CodeBusy, Msg: "system busy"},
	{Code: frame.CodeInternalError, Msg: "internal error"},
	{Status: http.StatusInternalServerError, Body: "<html><body>Internal Server Error</body></html>"},
	{Status: http.StatusTooManyRequests},
	{Status: http.StatusBadGateway, Body: `{"code":0,"msg":"success","data":{"URL":"ws://127.0.0.1:1/"}}`},
	{Status: http.StatusTemporaryRedirect, Body: "elsewhere"},
	{Status: http.StatusNotFound, Body: "<html>no such page</html>"}, // from a gateway: the platform was there before
	{Body: "<!DOCTYPE html><html><body>Log in to the hotel's network</body></html>"},
	{Body: `{"code":0,"msg":"success","data":{"URL":"ws://127.0.`},
	{Body: `{"code":0,"data":{"URL":"` + strings.Repeat("x", 1<<16), Endless: true},
	{Body: "\x00\xff\xfe{}"},
	{Body: `[]`},
	{Body: `{"code":0,"data":null}`},
	{NoURL: true},
	{Body: `{"code":0,"data":{"URL":"http://127.0.0.1:1/"}}`},
	{Body: `{"code":0,"data":{"URL":"ws:///ws/v2"}}`},
	{Body: `{"code":0,"data":{"URL":"ws://127.0.0.1:1/?service_id=nonsense","ClientConfig":{"ReconnectInterval":1}}}`}, // nobody is there
	{Body: `{"code":0,"data":{"URL":"ws://[::1"}}`},
}

const accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

// badHandshakes are answers to the handshake after which another attempt may succeed.
var badHandshakes = []larksim.HandshakeAnswer{
	{Status: frame.StatusAuthFailed, Msg: "ticket invalid"},
	{Status: frame.StatusAuthFailed, AuthErrCode: frame.CodeTooManyConnections, Msg: "the number of connections exceeded the limit"},
	{Status: 500},
	{}, // HTTP 400, and no reason
	{Wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
	{Wire: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
	{Wire: "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
	{Wire: accepted + "Sec-WebSocket-Accept: d3Jvbmc=\r\n\r\n"},
	{Wire: accepted + "X-Padding: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"},
	{Wire: "HTTP/1.1 101 Switch"},
	{Wire: "\x16\x03\x01\x00\x00 this is no HTTP"},
}

// badFrames are binary messages that are no event, and none that ends the connection.
func badFrames() [][]byte {
	control := func(kind, payload string) []byte {
		f := frame.Frame{Method: frame.MethodControl, Headers: frame.Headers{{Key: frame.HeaderType, Value: kind}}, Payload: []byte(payload)}
		return f.Marshal()
	}
	data := func(kind, sum, seq, id, payload string) []byte {
		f := frame.Frame{Method: frame.MethodData, Payload: []byte(payload), Headers: frame.Headers{
			{Key: frame.HeaderType, Value: kind}, {Key: frame.HeaderSum, Value: sum},
			{Key: frame.HeaderSeq, Value: seq}, {Key: frame.HeaderMessageID, Value: id},
		}}
		return f.Marshal()
	}
	unknown, negative := frame.Frame{Method: 7}, frame.Frame{Method: -1, Payload: []byte("x")}
	return [][]byte{
		{}, {0}, slices.Repeat([]byte{0xff}, 100), []byte("plain text"), unknown.Marshal(), negative.Marshal(),
		append(data("event", "1", "0", "m", "{}"), 0x42, 0xff, 0xff, 0xff, 0xff, 0x0f), // a field longer than the message
		control("", ""), control("news", "x"), control("ping", ""), control("pong", "not json"), control("pong", `{"PingInterval":-5}`),
		control("pong", `{"PingInterval":9223372036854775807,"ReconnectInterval":0}`), control("pong", `{"PingInterval":100}`),
		data("event", "1", "0", "m1", ""), data("event", "1", "0", "m2", "{"), data("mystery", "1", "0", "m3", "{}"),
		data("event", "2", "5", "m4", "{}"), data("event", "2", "-1", "m5", "{}"), data("event", "1000000000", "0", "m6", "{}"),
		data("event", "2", "0", "", "{}"), data("event", "-2", "0", "m7", "{}"), data("event", "many", "few", "m8", "{}"),
		data("event", "3", "0", "m9", "{"), data("event", "2", "1", "m9", "}"), data("card", "2", "0", "half", strings.Repeat("x", 1<<20)),
	}
}

// badWire are bytes that no platform sends. Each ends the connection, at the latest when it counts as silent.
var badWire = []string{
	"\x88\x02\x03\xe8",          // a goodbye
	"\x88\x01\x03",              // half a goodbye
	"\x83\x00",                  // a reserved kind of message
	"\x8f\x00",                  // a reserved kind of control
	"\xc2\x01x",                 // a reserved bit
	"\x82\x81\x01\x02\x03\x04x", // masked, which only clients do
	"\x89\x7e\x00\x7ex",         // a ping that is too long
	"\x80\x01x",                 // a continuation of nothing
	"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", // more bytes than there are
	"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", // a negative length
	"\x02\x7f\x00\x00\x00\x00\x00\xff\xff\xff", // almost 16 MiB, which do not come
	"HTTP/1.1 502 Bad Gateway\r\n\r\n",
}

// harmlessWire are messages of the WebSocket that no platform sends, and no reason to end the connection.
var harmlessWire = []string{
	"\x81\x05hello", "\x01\x03hel\x80\x02lo", // text, whole and in parts
	"\x89\x00", "\x8a\x03abc", // ping and pong
	"\x82\x00", "\x02\x00\x00\x00\x80\x00", // nothing, whole and in parts
}

// Each case happens while messages are sent all the time.
func TestFaultTheConnection(t *testing.T) {
	t.Parallel()
	rounds := testutil.Faults(t, 1, 20)
	// The pings where the death of a connection must be noticed. Half a second in which a busy machine stands still is such a
	// death.
	const briefly = time.Second
	cases := map[string]struct {
		ping  time.Duration
		how   func(n int) larksim.Delivery
		fault func(r *rig)
	}{
		"is dropped": {0, nil, func(r *rig) {
			for range testutil.Faults(r.t, 3, 100) {
				r.dropAnd(func() {})
			}
		}},
		"goes silent": {briefly, nil, func(r *rig) {
			for range testutil.Faults(r.t, 1, 20) {
				opened := r.platform.Counts().Opened
				r.platform.Silence()
				r.awaitOpened(opened + 1)
				r.dropAnd(func() {}) // also the silent one, which the platform would count for ever
			}
		}},
		"is refused, and the answers are garbage": {0, nil, func(r *rig) {
			for range rounds {
				r.dropAnd(func() { r.platform.PlanBootstraps(sample(r.t, badBootstraps, 5)...) })
			}
		}},
		"fails in the handshake": {0, nil, func(r *rig) {
			for range rounds {
				r.dropAnd(func() { r.platform.PlanHandshakes(sample(r.t, badHandshakes, 4)...) })
			}
		}},
		"brings frames that are none": {0, nil, func(r *rig) {
			for range rounds {
				r.platform.SendGarbage(200)
				for _, message := range badFrames() {
					r.platform.SendRaw(message)
					r.awaitMore(5)
				}
			}
			if c := r.platform.Counts(); c.Opened != 1 {
				r.t.Errorf("frames that are none ended the connection: %+v", c)
			}
		}},
		"brings bytes that are no messages": {briefly, nil, func(r *rig) {
			for range rounds {
				for _, bytes := range sample(r.t, badWire, 4) {
					opened := r.platform.Counts().Opened
					r.platform.SendWire([]byte(bytes))
					r.awaitOpened(opened + 1)
				}
				for _, bytes := range harmlessWire {
					r.platform.SendWire([]byte(bytes))
					r.awaitMore(5)
				}
			}
		}},
		"brings chunks out of order, twice, and not all": {0, func(n int) larksim.Delivery {
			return larksim.Delivery{ChunkSize: 50 + n*37%300, Reverse: n%2 == 0, Twice: n%3 == 0, Omit: n%5 == 0}
		}, func(r *rig) {
			for range testutil.Faults(r.t, 1, 20) {
				r.awaitMore(100)
				r.dropAnd(func() {})
			}
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, larksim.Options{PingInterval: c.ping, AckTimeout: prompt, Redelivery: often})
			end := r.load(c.how)
			c.fault(r)
			end()
			r.check()
		})
	}
}

// sample returns n of the faults, which are all in the long form.
func sample[T any](t *testing.T, faults []T, n int) []T {
	t.Helper()
	if testutil.LongFault() {
		n = len(faults)
	}
	var chosen []T
	for _, i := range testutil.FaultRandom(t).Perm(len(faults))[:n] {
		chosen = append(chosen, faults[i])
	}
	return chosen
}

// awaitMore waits until so many more events are acknowledged.
func (r *rig) awaitMore(n int) {
	r.t.Helper()
	before := r.platform.Counts().Acked
	if err := r.platform.AwaitCounts(r.within(), func(c larksim.Counts) bool { return c.Acked >= before+n }); err != nil {
		r.t.Fatalf("events are acknowledged no more: %v; %+v", err, r.platform.Counts())
	}
}

// dropAnd drops the connection, once what is to come then is planned, and waits for the next one.
func (r *rig) dropAnd(plan func()) {
	r.t.Helper()
	plan()
	opened := r.platform.Counts().Opened
	r.platform.DropConnections()
	r.awaitOpened(opened + 1)
	r.awaitConnected()
}

// The platform sends what it takes for unacknowledged again and again, on whichever connection, also to the next bus.
func TestFaultTheSameEventAHundredTimes(t *testing.T) {
	t.Parallel()
	const duplicates = 100
	r := newRig(t, 2, larksim.Options{AckTimeout: prompt, Redelivery: often})
	bodies := slices.Collect(r.platform.Texts(testutil.Faults(t, 30, 1000), 200))
	for _, body := range bodies {
		event, err := source.ParseEnvelope(slices.Clone(body), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		r.sent = append(r.sent, event.EventID)
	}
	// Whichever connection each goes on, the same one is under way on the other.
	again := func() {
		load, err := r.platform.SendAll(r.within(), func(yield func([]byte) bool) {
			for range duplicates / 4 {
				for _, body := range slices.Concat(bodies, bodies) {
					if !yield(body) {
						return
					}
				}
			}
		}, maxUnsettled)
		if want := duplicates / 2 * len(bodies); err != nil || load.Acknowledged != want {
			t.Fatalf("%+v, %v; want %d acknowledged", load, err, want)
		}
	}
	again()
	r.bus.Stop()
	r.startBus()
	r.awaitConnected()
	again()
	r.check()
}

// The platform may send a message again as another event, with an id of its own.
func TestFaultTheSameMessageAsManyEvents(t *testing.T) {
	t.Parallel()
	const times = 20
	r := newRig(t, 2, larksim.Options{AckTimeout: prompt, Redelivery: often})
	bodies := slices.Collect(r.platform.Texts(testutil.Faults(t, 30, 1000), 200))
	send := func(bodies [][]byte) {
		load, err := r.platform.SendAll(r.within(), slices.Values(bodies), maxUnsettled)
		if err != nil || load.Acknowledged != len(bodies) {
			t.Fatalf("%+v, %v; want %d acknowledged", load, err, len(bodies))
		}
	}
	var again [][]byte
	for n, body := range bodies {
		event, err := source.ParseEnvelope(slices.Clone(body), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		r.sent = append(r.sent, event.EventID)
		for k := range times {
			another := fmt.Appendf(nil, "%032x", n*times+k+1)
			again = append(again, bytes.Replace(body, []byte(event.EventID), another, 1)) // the header comes first
		}
	}
	send(bodies)
	send(again)
	r.bus.Stop()
	r.startBus()
	r.awaitConnected()
	send(again)
	r.check()
}

// An event of 1 MiB, whole and in chunks, is an event like others.
func TestFaultLargeEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, larksim.Options{AckTimeout: 10 * time.Second, Redelivery: often})
	text := strings.Repeat("Lorem ipsum <dolor> & ", 1<<20/22)
	for n := range testutil.Faults(t, 2, 300) {
		r.send(text, larksim.Delivery{ChunkSize: []int{0, 64 << 10}[n%2], Reverse: n%4 == 1})
		if n%20 == 19 {
			r.dropAnd(func() {})
		}
	}
	r.check()
}

// What is larger than anything the platform is known to send is counted and told, and does not hold up the rest.
func TestFaultEventsBeyondEveryLimit(t *testing.T) {
	for name, c := range map[string]struct {
		size         int
		how          larksim.Delivery
		ackTimeout   time.Duration
		acknowledged bool
		says         string
	}{
		"joined of chunks":   {8<<20 + 1, larksim.Delivery{ChunkSize: 1 << 20}, 20 * time.Second, true, ""},
		"of too many chunks": {2000, larksim.Delivery{ChunkSize: 1}, 20 * time.Second, true, ""},
		// It has no answer, because who it is from is not read.
		"in one message": {16<<20 + 1, larksim.Delivery{}, prompt, false, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, larksim.Options{AckTimeout: c.ackTimeout, Redelivery: []time.Duration{300 * time.Millisecond}})
			outcome, err := r.platform.SendBody(bytes.Repeat([]byte("x"), c.size), c.how).Wait(r.within())
			if err != nil || outcome.Acknowledged != c.acknowledged {
				t.Errorf("%+v, %v; want acknowledged: %v", outcome, err, c.acknowledged)
			}
			if !c.acknowledged {
				r.awaitOpened(2)
			}
			status, err := r.client.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if status.Counters.Malformed == 0 || !strings.Contains(status.Source.LastError, c.says) {
				t.Errorf("%+v, %+v; want it counted, and the reason %q", status.Counters, status.Source, c.says)
			}
			r.awaitConnected()
			r.sendUntilThere("small")
			r.check()
		})
	}
}

// sendUntilThere sends a message, again if it met the end of a connection.
func (r *rig) sendUntilThere(text string) {
	r.t.Helper()
	event := larksim.Text(larksim.Ada, larksim.Engineering, text)
	event.ID = "small"
	r.sent = append(r.sent, event.ID)
	for {
		receipt := r.platform.Send(event)
		outcome, err := receipt.Wait(r.within())
		if err != nil {
			r.t.Fatal(err)
		}
		if outcome.Acknowledged {
			return
		}
	}
}
