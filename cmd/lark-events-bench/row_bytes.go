package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

const bytesMessages = 20

// bytesRow is how much of a model's context a page takes.
func bytesRow() row {
	return row{name: "bytes", run: measureBytes, lines: []line{{
		what: "a poll_events result of 20 messages, the whole JSON-RPC line", unit: "bytes", against: "the raw envelopes of the messages",
		limit: limit{must: 0.5, aim: 0.35},
	}}}
}

func measureBytes(ctx context.Context, b *bench) ([]sample, error) {
	s, err := b.newSetting()
	if err != nil {
		return nil, err
	}
	defer s.close()
	i, err := s.idlers(ctx)
	if err != nil {
		return nil, err
	}
	bodies := slices.Collect(s.platform.Texts(bytesMessages, textSize))
	if _, err := s.platform.SendAll(ctx, slices.Values(bodies), inFlight); err != nil {
		return nil, err
	}
	line, err := i.server.tool("poll_events", map[string]any{"max_events": bytesMessages})
	if err != nil {
		return nil, err
	}
	var page struct {
		Result struct {
			Content           []struct{ Text string }
			StructuredContent struct{ Events []json.RawMessage }
		}
	}
	if err := json.Unmarshal(line, &page); err != nil {
		return nil, err
	}
	if n := len(page.Result.StructuredContent.Events); n != bytesMessages || len(page.Result.Content) != 1 {
		return nil, fmt.Errorf("a page has %d of %d events", n, bytesMessages)
	}
	var raw int
	for _, body := range bodies {
		raw += len(body)
	}
	text := len(page.Result.Content[0].Text)
	b.note("of the poll_events result, which has the events as text and as structured content, the text alone has %d bytes, %s times the raw envelopes",
		text, number(float64(text)/float64(raw)))
	var size sample
	size.add(float64(len(line)), float64(raw))
	return []sample{size}, nil
}
