package larksim_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

func TestTheEndpointChecksCredentials(t *testing.T) {
	p := start(t, larksim.Options{PingInterval: 1500 * time.Millisecond, ReconnectInterval: time.Minute})
	cases := []struct {
		id, secret string
		code       float64
	}{
		{p.AppID(), p.AppSecret(), 0},
		{p.AppID(), "wrong", 10014},
		{"cli_other", p.AppSecret(), 10014},
		{"nonsense", p.AppSecret(), 10003},
		{p.AppID(), "", 10003},
	}
	for _, c := range cases {
		status, answer, _ := ask(t, "POST", p.URL()+frame.EndpointPath, "", frame.EndpointRequest{AppID: c.id, AppSecret: c.secret})
		if status != 200 || answer["code"] != c.code {
			t.Errorf("%s/%s: HTTP %d, code %v, want 200 and %v", c.id, c.secret, status, answer["code"], c.code)
		}
	}
	address, config := endpoint(t, p)
	for _, part := range []string{"ws://127.0.0.1:", "device_id=", "service_id="} {
		if !strings.Contains(address, part) {
			t.Errorf("the address %s lacks %s", address, part)
		}
	}
	if config["PingInterval"] != 2.0 || config["ReconnectInterval"] != 60.0 {
		t.Errorf("configuration %v, want 2 s (rounded up) and 60 s", config)
	}
}

func TestAnEndpointIsGoodForOneHandshake(t *testing.T) {
	p := start(t, larksim.Options{MaxConnections: 1})
	address, _ := endpoint(t, p)
	other, _ := endpoint(t, p)
	dial := func(address string) (*websocket.Conn, http.Header) {
		socket, response, err := websocket.DefaultDialer.DialContext(deadline(t), address, nil)
		if err != nil && response == nil {
			t.Fatal(err)
		}
		return socket, response.Header
	}
	socket, _ := dial(address)
	if socket == nil {
		t.Fatal("the first handshake failed")
	}
	defer socket.Close()
	if err := p.AwaitConnections(deadline(t), 1); err != nil {
		t.Fatal(err)
	}
	if again, header := dial(address); again != nil || header.Get(frame.HandshakeStatus) != "514" {
		t.Errorf("the second handshake: %v, want status 514", header)
	}
	if full, header := dial(other); full != nil || header.Get(frame.HandshakeAuthErrCode) != "1000040350" {
		t.Errorf("one connection too many: %v, want code 1000040350", header)
	}
}

func TestAPingIsAnsweredAndBringsAChangedConfiguration(t *testing.T) {
	p := start(t, larksim.Options{})
	c := connect(t, p)
	c.send(frame.Ping(7))
	pong := c.receive()
	if pong.Headers.Get(frame.HeaderType) != "pong" || pong.Service != 7 || len(pong.Payload) != 0 {
		t.Errorf("got %+v, want a pong without a configuration", pong)
	}
	p.Tune(9*time.Second, time.Minute)
	c.send(frame.Ping(7))
	var config frame.ClientConfig
	if err := json.Unmarshal(c.receive().Payload, &config); err != nil || config.PingInterval != 9 {
		t.Errorf("configuration %+v (%v), want a ping every 9 s", config, err)
	}
}

// A connection whose other end has gone is not open, even if what that has sent is still being read.
func TestConnectionsThatAreOpenAtOnceAreCounted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("here it is not known that the other end has gone")
	}
	p := start(t, larksim.Options{})
	addresses := make([]string, 3)
	for i := range addresses {
		addresses[i], _ = endpoint(t, p)
	}
	open := func(n int) *websocket.Conn {
		socket, _, err := websocket.DefaultDialer.DialContext(deadline(t), addresses[n-1], nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		if err := p.AwaitCounts(deadline(t), func(c larksim.Counts) bool { return c.Opened == n }); err != nil {
			t.Fatal(err)
		}
		return socket
	}
	first := open(1)
	for range 20_000 {
		if err := first.WriteMessage(websocket.BinaryMessage, frame.Ping(1).Marshal()); err != nil {
			t.Fatal(err)
		}
	}
	first.Close()
	open(2)
	if most := p.Counts().MostOpen; most != 1 {
		t.Errorf("%d were open at once, one after the other", most)
	}
	open(3)
	if most := p.Counts().MostOpen; most != 2 {
		t.Errorf("%d were open at once, two at the same time", most)
	}
}
