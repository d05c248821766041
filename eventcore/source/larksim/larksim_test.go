package larksim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func start(t *testing.T, options larksim.Options) *larksim.Platform {
	t.Helper()
	platform, err := larksim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(platform.Close)
	return platform
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ask makes a request and returns the status and the decoded answer.
func ask(t *testing.T, method, address, token string, body any) (int, map[string]any, http.Header) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(deadline(t), method, address, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if json.Unmarshal(raw, &answer) != nil {
		answer = map[string]any{"text": string(raw)}
	}
	return response.StatusCode, answer, response.Header
}

// endpoint asks for an endpoint with the right credentials.
func endpoint(t *testing.T, p *larksim.Platform) (url string, config map[string]any) {
	t.Helper()
	_, answer, _ := ask(t, "POST", p.URL()+frame.EndpointPath, "", frame.EndpointRequest{AppID: p.AppID(), AppSecret: p.AppSecret()})
	data, ok := answer["data"].(map[string]any)
	if !ok {
		t.Fatalf("no endpoint: %v", answer)
	}
	return data["URL"].(string), data["ClientConfig"].(map[string]any)
}

// peer is a client that speaks frames and does only what the test says.
type peer struct {
	t      *testing.T
	socket *websocket.Conn
}

func connect(t *testing.T, p *larksim.Platform) *peer {
	t.Helper()
	address, _ := endpoint(t, p)
	before := p.Connections()
	socket, _, err := websocket.DefaultDialer.DialContext(deadline(t), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	if err := p.AwaitConnections(deadline(t), before+1); err != nil {
		t.Fatal(err)
	}
	return &peer{t, socket}
}

func (p *peer) receive() frame.Frame {
	p.t.Helper()
	p.socket.SetReadDeadline(time.Now().Add(patience))
	_, message, err := p.socket.ReadMessage()
	if err != nil {
		p.t.Fatal(err)
	}
	var received frame.Frame
	if err := received.Unmarshal(message); err != nil {
		p.t.Fatal(err)
	}
	return received
}

func (p *peer) answer(received frame.Frame, code int) {
	p.t.Helper()
	received.Payload = fmt.Appendf(nil, `{"code":%d,"headers":null,"data":null}`, code)
	p.send(&received)
}

func (p *peer) send(f *frame.Frame) {
	p.t.Helper()
	if err := p.socket.WriteMessage(websocket.BinaryMessage, f.Marshal()); err != nil {
		p.t.Fatal(err)
	}
}

func settled(t *testing.T, receipt *larksim.Receipt) larksim.Outcome {
	t.Helper()
	outcome, err := receipt.Wait(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func TestAnEventIsSentAgainUntilItIsAcknowledged(t *testing.T) {
	pauses := []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}
	p := start(t, larksim.Options{AckTimeout: 50 * time.Millisecond, Redelivery: pauses})
	c := connect(t, p)
	receipt := p.Send(larksim.Text(larksim.Ada, larksim.Engineering, "hello"))
	refused := c.receive()
	c.answer(refused, 500)
	c.receive() // not answered
	c.answer(c.receive(), 200)
	c.answer(refused, 200) // an answer to what is over
	outcome := settled(t, receipt)
	if !outcome.Acknowledged || !slices.Equal(outcome.Codes, []int{500, 0, 200}) {
		t.Errorf("outcome %+v, want refused, timed out and acknowledged", outcome)
	}
	if err := p.AwaitCounts(deadline(t), func(c larksim.Counts) bool { return c.StrayAcks == 1 }); err != nil {
		t.Error("the answer to what is over was not counted")
	}
	counts := p.Counts()
	if counts.Sent != 1 || counts.Delivered != 3 || counts.Acked != 1 || counts.Refused != 1 || counts.TimedOut != 1 || counts.Redelivered != 2 {
		t.Errorf("counts %+v", counts)
	}
}

func TestThePlatformGivesUpInTheEnd(t *testing.T) {
	p := start(t, larksim.Options{Redelivery: []time.Duration{time.Millisecond}})
	receipt := p.Send(larksim.Text(larksim.Ada, larksim.Engineering, "nobody is there"))
	if o := settled(t, receipt); o.Acknowledged || o.Attempts != 2 {
		t.Errorf("outcome %+v, want given up after the second attempt", o)
	}
	if c := p.Counts(); c.GaveUp != 1 || c.Unreachable != 2 || c.Delivered != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestEventsAreSpreadOverConnections(t *testing.T) {
	p := start(t, larksim.Options{})
	peers := []*peer{connect(t, p), connect(t, p)}
	got := make([]int, len(peers))
	done := make(chan int)
	for i, c := range peers {
		go func() {
			for {
				c.socket.SetReadDeadline(time.Now().Add(patience))
				_, message, err := c.socket.ReadMessage()
				if err != nil {
					done <- i
					return
				}
				var received frame.Frame
				if received.Unmarshal(message) == nil {
					got[i]++
					c.answer(received, 200)
				}
			}
		}()
	}
	load, err := p.SendAll(deadline(t), p.Texts(400, 20), 16)
	if err != nil || load.Acknowledged != 400 || len(load.Took) != 400 {
		t.Errorf("%d acknowledged (%v), want 400", load.Acknowledged, err)
	}
	p.DropConnections()
	<-done
	<-done
	if got[0] < 100 || got[1] < 100 || got[0]+got[1] != 400 {
		t.Errorf("the connections got %v of 400 events, want about half each", got)
	}
}

func TestChunksCarryTheirPlace(t *testing.T) {
	p := start(t, larksim.Options{})
	c := connect(t, p)
	body := []byte(strings.Repeat("0123456789", 10))
	cases := []struct {
		how   larksim.Delivery
		order []int
	}{
		{larksim.Delivery{ChunkSize: 40}, []int{0, 1, 2}},
		{larksim.Delivery{ChunkSize: 40, Reverse: true}, []int{2, 1, 0}},
		{larksim.Delivery{ChunkSize: 40, Omit: true}, []int{0, 1}},
		{larksim.Delivery{ChunkSize: 50, Twice: true}, []int{0, 0, 1, 1}},
		{larksim.Delivery{ChunkSize: 100}, []int{0}},
	}
	for _, how := range cases {
		p.SendBody(body, how.how)
		var last frame.Frame
		for _, want := range how.order {
			last = c.receive()
			size := how.how.ChunkSize
			if seq := last.Headers.Int(frame.HeaderSeq); seq != want || !bytes.Equal(last.Payload, body[seq*size:min(len(body), (seq+1)*size)]) {
				t.Errorf("%+v: chunk %d with %q, want chunk %d", how.how, seq, last.Payload, want)
			}
		}
		c.answer(last, 200)
	}
}

func TestASilentConnectionStaysOpenAndSaysNothing(t *testing.T) {
	p := start(t, larksim.Options{AckTimeout: 50 * time.Millisecond, Redelivery: []time.Duration{}})
	c := connect(t, p)
	p.Silence()
	c.send(frame.Ping(1))
	if o := settled(t, p.Send(larksim.Text(larksim.Ada, larksim.Engineering, "lost"))); o.Acknowledged {
		t.Error("an event on a silent connection was acknowledged")
	}
	if p.Connections() != 1 || p.Counts().Pings != 0 || p.Counts().Delivered != 1 {
		t.Errorf("%d connections, %+v, want one that swallows all", p.Connections(), p.Counts())
	}
	p.Close()
	c.socket.SetReadDeadline(time.Now().Add(patience))
	if _, message, err := c.socket.ReadMessage(); err == nil {
		t.Errorf("received %q on a silent connection", message)
	}
}

func TestTheScenarioConsistsOfEvents(t *testing.T) {
	p := start(t, larksim.Options{})
	c := connect(t, p)
	story := p.CompanyChat()
	receipts, err := story.Play(t.Context(), 0)
	if err != nil || len(receipts) != len(story.Steps) {
		t.Fatalf("%d receipts (%v) for %d steps", len(receipts), err, len(story.Steps))
	}
	for i, step := range story.Steps {
		received := c.receive()
		event, err := source.ParseEnvelope(received.Payload, time.Now())
		if err != nil || event.EventType != step.Event.Type || event.EventID != receipts[i].EventID {
			t.Errorf("%s: %s %s (%v), want %s %s", step.Title, event.EventType, event.EventID, err, step.Event.Type, receipts[i].EventID)
		}
		kind := received.Headers.Get(frame.HeaderType)
		if want := event.EventType == larksim.CardAction; (kind == "card") != want {
			t.Errorf("%s came in a frame of type %s", step.Title, kind)
		}
		if !bytes.Contains(received.Payload, []byte(larksim.VerificationToken)) {
			t.Errorf("%s: the envelope has no verification token", step.Title)
		}
		c.answer(received, 200)
	}
}

func TestAMentionReplacesTheName(t *testing.T) {
	event := larksim.Text(larksim.Bruno, larksim.Engineering, "@Eventide, and @Ada Chen?", larksim.Bot, larksim.Ada)
	encoded, err := json.Marshal(event.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`@_user_1, and @_user_2?`, larksim.Bot.OpenID, larksim.Ada.UnionID, `"name":"Ada Chen"`} {
		if !strings.Contains(string(encoded), part) {
			t.Errorf("%s lacks %s", encoded, part)
		}
	}
	if !strings.HasPrefix(event.MessageID(), "om_") || larksim.BotAdded(larksim.Ada, larksim.Engineering).MessageID() != "" {
		t.Error("MessageID is not the id of the message")
	}
}

func TestWaitingEndsWithItsContextAndWithThePlatform(t *testing.T) {
	p := start(t, larksim.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.AwaitConnections(ctx, 1); err == nil {
		t.Error("waited past the end of the context")
	}
	ended := make(chan error)
	go func() { ended <- p.AwaitConnections(context.Background(), 1) }()
	p.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a closed platform has a connection")
		}
	case <-time.After(patience):
		t.Error("waited past the end of the platform")
	}
}
