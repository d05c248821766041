package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// notePlatform notes how fast the simulated platform is with a client that only acknowledges, so that it can be seen
// whether it limits what is measured.
func (b *bench) notePlatform(ctx context.Context) error {
	platform, err := larksim.Start(larksim.Options{})
	if err != nil {
		return err
	}
	defer platform.Close()
	socket, err := dial(ctx, platform)
	if err != nil {
		return fmt.Errorf("connect to the simulated platform: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		acknowledge(socket)
	}()
	bodies := slices.Collect(platform.Texts(5*loadEvents, textSize))
	load, err := platform.SendAll(ctx, slices.Values(bodies), inFlight)
	socket.Close()
	<-ended
	if err != nil {
		return fmt.Errorf("load the simulated platform: %w", err)
	}
	b.note("the simulated platform brings %s events/s to a client that only acknowledges (256 in flight)",
		number(float64(len(bodies))/load.Elapsed.Seconds()))
	return nil
}

// dial makes a long connection.
func dial(ctx context.Context, platform *larksim.Platform) (*websocket.Conn, error) {
	asked, err := json.Marshal(frame.EndpointRequest{AppID: platform.AppID(), AppSecret: platform.AppSecret()})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, platform.URL()+frame.EndpointPath, bytes.NewReader(asked))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer frame.EndpointAnswer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Data == nil {
		return nil, fmt.Errorf("no endpoint: %s", answer.Msg)
	}
	socket, _, err := websocket.DefaultDialer.DialContext(ctx, answer.Data.URL, nil)
	if err != nil {
		return nil, err
	}
	return socket, platform.AwaitConnections(ctx, 1)
}

// acknowledge answers every frame of data until the connection is lost.
func acknowledge(socket *websocket.Conn) {
	for {
		_, message, err := socket.ReadMessage()
		if err != nil {
			return
		}
		var f frame.Frame
		if f.Unmarshal(message) != nil || f.Method != frame.MethodData {
			continue
		}
		f.Payload = []byte(frame.AnswerTaken)
		if socket.WriteMessage(websocket.BinaryMessage, f.Marshal()) != nil {
			return
		}
	}
}
