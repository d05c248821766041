package lark

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// handle takes one binary message. It copies what it keeps. An error means that ctx has ended.
func (c *connection) handle(ctx context.Context, message []byte) error {
	var frame ws.Frame
	if err := frame.Unmarshal(message); err != nil {
		c.sink.Malformed(fmt.Sprintf("a message of %d bytes is no frame", len(message)))
		return nil
	}
	switch ws.FrameType(frame.Method) {
	case ws.FrameTypeControl:
		c.control(&frame)
		return nil
	case ws.FrameTypeData:
		return c.data(ctx, &frame)
	}
	c.log.Debug("frame of an unknown method ignored", "method", frame.Method)
	return nil
}

// control takes a pong, which may carry a new configuration.
func (c *connection) control(frame *ws.Frame) {
	kind := ws.Headers(frame.Headers).GetString(ws.HeaderType)
	if ws.MessageType(kind) != ws.MessageTypePong {
		c.log.Debug("control frame of an unknown type ignored", "type", kind)
		return
	}
	if len(frame.Payload) == 0 {
		return
	}
	var config ws.ClientConfig
	if err := json.Unmarshal(frame.Payload, &config); err != nil {
		c.log.Debug("configuration in a pong ignored", "error", err)
		return
	}
	tuned := c.settings.with(&config)
	if tuned == c.settings {
		return
	}
	c.settings = tuned
	c.log.Info("long connection configured anew", "ping_interval", tuned.ping, "reconnect_interval", tuned.reconnect)
	// The writer wants the latest only.
	select {
	case <-c.tuned:
	default:
	}
	c.tuned <- tuned
}

// data takes an event or a card callback, or a chunk of one, and sees to it that it is answered.
func (c *connection) data(ctx context.Context, frame *ws.Frame) error {
	now := time.Now()
	headers := ws.Headers(frame.Headers)
	payload := frame.Payload
	var unjoined error
	if sum := headers.GetInt(ws.HeaderSum); sum > 1 {
		seq := headers.GetInt(ws.HeaderSeq)
		payload, unjoined = c.joiner.add(now, headers.GetString(ws.HeaderMessageID), sum, seq, payload)
		if payload == nil && unjoined == nil {
			return nil // the chunk that completes the message is answered
		}
	}
	d := &delivery{frame: *frame, arrived: now, answers: c.answers}
	d.frame.Payload = nil
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.pending.add(d)
	if unjoined != nil {
		return c.discard(d, unjoined)
	}
	switch kind := headers.GetString(ws.HeaderType); ws.MessageType(kind) {
	case ws.MessageTypeEvent, ws.MessageTypeCard:
	default:
		return c.discard(d, fmt.Errorf("a data frame is of the unknown type %.50q", kind))
	}
	event, err := source.ParseEnvelope(payload, now)
	if err != nil {
		return c.discard(d, err)
	}
	if err := c.sink.Deliver(ctx, source.Event{RawEvent: event, Done: d.done}); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.answer(http.StatusInternalServerError)
	}
	return nil
}

// discard counts what is no event and answers that it was taken: sent again it would be no better.
func (c *connection) discard(d *delivery, why error) error {
	c.sink.Malformed(why.Error())
	d.answer(http.StatusOK)
	return nil
}
