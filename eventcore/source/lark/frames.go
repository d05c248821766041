package lark

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// handle takes one binary message. It copies what it keeps. An error means that ctx has ended.
func (c *connection) handle(ctx context.Context, message []byte) error {
	var f frame.Frame
	if err := f.Unmarshal(message); err != nil {
		c.sink.Malformed(fmt.Sprintf("a message of %d bytes is no frame: %v", len(message), err))
		return nil
	}
	switch f.Method {
	case frame.MethodControl:
		c.control(&f)
		return nil
	case frame.MethodData:
		return c.data(ctx, &f)
	}
	c.log.Debug("frame of an unknown method ignored", "method", f.Method)
	return nil
}

// control takes a pong, which may carry a new configuration.
func (c *connection) control(f *frame.Frame) {
	kind := f.Headers.Get(frame.HeaderType)
	if kind != frame.TypePong {
		c.log.Debug("control frame of an unknown type ignored", "type", kind)
		return
	}
	c.woken.Store(false)
	if len(f.Payload) == 0 {
		return
	}
	var config frame.ClientConfig
	if err := json.Unmarshal(f.Payload, &config); err != nil {
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
func (c *connection) data(ctx context.Context, f *frame.Frame) error {
	now := time.Now()
	c.frames.Add(1)
	payload := f.Payload
	var unjoined error
	if sum := f.Headers.Int(frame.HeaderSum); sum > 1 {
		seq := f.Headers.Int(frame.HeaderSeq)
		chunk := bytes.Clone(payload) // it waits for the others while the message's buffer is read into
		payload, unjoined = c.joiner.add(now, f.Headers.Get(frame.HeaderMessageID), sum, seq, chunk)
		if payload == nil && unjoined == nil {
			return nil // the chunk that completes the message is answered
		}
	}
	d := &delivery{frame: *f, arrived: now, answers: c.answers}
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
	switch kind := f.Headers.Get(frame.HeaderType); kind {
	case frame.TypeEvent, frame.TypeCard:
	default:
		return c.discard(d, fmt.Errorf("a data frame is of the unknown type %.50q", kind))
	}
	event, err := source.ParseEnvelope(payload, now)
	if err != nil {
		return c.discard(d, err)
	}
	event.Done = d.done
	if err := c.sink.Deliver(ctx, event); err != nil {
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
