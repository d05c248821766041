package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
)

// chat are the kinds of messages of a page, which are in the folder of recorded payloads: what people write to a bot
// alone and in groups, most of it one line.
var chat = []string{
	"text_p2p", "text_mentions", "post", "image", "text_p2p", "text_mentions", "file", "text_p2p", "text_mentions", "audio",
	"text_p2p", "interactive", "text_mentions", "media", "text_p2p", "text_mentions", "post", "text_p2p", "image", "text_p2p",
}

// userAgent is what the platform adds to a message for apps that may see with which client it was written, in the form
// that a desktop client of 2026 sends.
const userAgent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.268 " +
	"Safari/537.36 Lark/7.53.16 LarkLocale/en_US ttnet SDK-Version/7.53.10"

// bytesRow is how much of a model's context a page takes.
func bytesRow() row {
	const what = "a poll_events result of 20 messages of a chat, the text that a model reads"
	must := limit{must: 0.5, aim: 0.35}
	return row{name: "bytes", run: measureBytes, lines: []line{
		{what: what, unit: "bytes", against: "the raw envelopes of the messages as Lark documents them, with user_agent", limit: must},
		{what: what, unit: "bytes", against: "the same as apps without the scope im:user_agent:read get them, without user_agent", limit: must},
	}}
}

func measureBytes(ctx context.Context, b *bench) ([]sample, error) {
	samples := make([]sample, 2)
	for i, agent := range []string{userAgent, ""} {
		bodies, err := messages(filepath.Join(b.root, "keys", "im", "testdata"), agent)
		if err != nil {
			return nil, err
		}
		page, err := pageOf(ctx, b, bodies)
		if err != nil {
			return nil, err
		}
		raw := float64(total(bodies))
		samples[i].add(float64(page.text), raw)
		if agent == "" {
			b.note("of the text of the 20 messages %d bytes are what was written, by whom and where (data), %s of the envelopes; the other fields of an event, "+
				"which are those of interface.md, take %d bytes each", page.data, number(float64(page.data)/raw)+"×", (page.text-page.data)/len(bodies))
			b.note("as the protocol wants it, the whole JSON-RPC line has the events as text and as structured content: %d bytes", page.line)
		}
	}
	return samples, nil
}

// messages returns the recorded payloads of a chat as the platform sends them, each with ids of its own.
func messages(dir, agent string) ([][]byte, error) {
	var bodies [][]byte
	for i, kind := range chat {
		text, err := os.ReadFile(filepath.Join(dir, kind+".json"))
		if err != nil {
			return nil, err
		}
		var body struct {
			Schema string         `json:"schema"`
			Header map[string]any `json:"header"`
			Event  struct {
				Sender  json.RawMessage `json:"sender"`
				Message map[string]any  `json:"message"`
			} `json:"event"`
		}
		if err := json.Unmarshal(text, &body); err != nil {
			return nil, fmt.Errorf("read the recorded message %s: %w", kind, err)
		}
		body.Header["event_id"], body.Header["token"] = fmt.Sprintf("%032x", i+1), larksim.VerificationToken
		message := body.Event.Message
		message["message_id"] = fmt.Sprintf("om_%032x", i+1)
		if agent != "" {
			message["user_agent"] = agent
		} else {
			delete(message, "user_agent")
		}
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			return nil, err
		}
		bodies = append(bodies, bytes.TrimSpace(line.Bytes()))
	}
	return bodies, nil
}

func total(bodies [][]byte) (n int) {
	for _, body := range bodies {
		n += len(body)
	}
	return n
}

// pageSize are the bytes of a page: of the whole line, of its text, and of the events' data in that.
type pageSize struct{ line, text, data int }

// pageOf sends the messages and polls them.
func pageOf(ctx context.Context, b *bench, bodies [][]byte) (pageSize, error) {
	s, err := b.newSetting()
	if err != nil {
		return pageSize{}, err
	}
	defer s.close()
	i, err := s.idlers(ctx)
	if err != nil {
		return pageSize{}, err
	}
	if _, err := s.platform.SendAll(ctx, slices.Values(bodies), inFlight); err != nil {
		return pageSize{}, err
	}
	line, err := i.server.tool("poll_events", map[string]any{"max_events": len(bodies)})
	if err != nil {
		return pageSize{}, err
	}
	var answer struct {
		Result struct {
			Content           []struct{ Text string }
			StructuredContent struct {
				Events []struct{ Data json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return pageSize{}, err
	}
	events := answer.Result.StructuredContent.Events
	if len(events) != len(bodies) || len(answer.Result.Content) != 1 {
		return pageSize{}, fmt.Errorf("a page has %d of %d events", len(events), len(bodies))
	}
	page := pageSize{line: len(line), text: len(answer.Result.Content[0].Text)}
	for _, event := range events {
		page.data += len(event.Data)
	}
	return page, nil
}
