package lark

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

const (
	handshakeTimeout = 10 * time.Second
	readBuffer       = 32 << 10 // bytes; frames come in bursts
	writeBuffer      = 4 << 10  // bytes; an answer fits
)

// dial opens the WebSocket. A final refusal is an [*eventcore.Error]; after any other error a later attempt may
// succeed.
func dial(ctx context.Context, at endpoint) (*websocket.Conn, *wire, error) {
	var carrier *wire
	stop := func() bool { return true }
	dialer := websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   readBuffer,
		WriteBufferSize:  writeBuffer,
		NetDialContext: func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
			if err != nil {
				return nil, err
			}
			carrier = &wire{Conn: conn}
			// The dialer heeds the deadline of its context during the handshake, but not its end.
			stop = context.AfterFunc(ctx, func() { conn.Close() })
			return carrier, nil
		},
	}
	socket, response, err := dialer.DialContext(ctx, at.url.String(), nil)
	if !stop() && err == nil {
		socket.Close()
		err = ctx.Err()
	}
	switch {
	case err == nil:
		return socket, carrier, nil
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case errors.Is(err, websocket.ErrBadHandshake) && response != nil:
		return nil, nil, explainHandshake(response)
	}
	return nil, nil, fmt.Errorf("open the WebSocket to %s: %w", at.url.Host, withoutURL(err))
}

// explainHandshake reads why a handshake failed from the answer's headers.
func explainHandshake(response *http.Response) error {
	status, err := strconv.Atoi(response.Header.Get(frame.HandshakeStatus))
	if err != nil {
		return fmt.Errorf("the WebSocket handshake was answered with HTTP %d", response.StatusCode)
	}
	said := ""
	if text := response.Header.Get(frame.HandshakeMsg); text != "" {
		said = fmt.Sprintf(": %.300q", text)
	}
	reason, _ := strconv.Atoi(response.Header.Get(frame.HandshakeAuthErrCode))
	switch {
	case status == frame.StatusForbidden:
		return forbidden(status, said)
	case status == frame.StatusAuthFailed && reason == frame.CodeTooManyConnections:
		return fmt.Errorf("%w%s; close another one", errTooManyConnections, said)
	}
	return fmt.Errorf("the platform refused the WebSocket handshake with status %d (code %d)%s", status, reason, said)
}
