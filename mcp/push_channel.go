package mcp

import (
	"bytes"
	"encoding/json"
)

// The names of Claude Code's channels: the experimental capability a server declares, and the notification whose
// content is put before the model. Source: Claude Code's channels reference.
const (
	channelCapability = "claude/channel"
	channelMethod     = "notifications/claude/channel"
)

// channelNotification returns the notifications/claude/channel that brings an event: its data as JSON text, and
// what it is in meta, whose keys must be identifiers and whose values strings.
func channelNotification(event eventView) ([]byte, error) {
	meta := map[string]string{
		"subscription_id": event.SubscriptionID,
		"event_id":        event.EventID,
		"key":             event.Key,
		"event_type":      event.EventType,
		"time":            event.Time,
		"cursor":          event.Cursor,
		"untrusted":       "true",
	}
	if event.Error != nil {
		meta["error"] = event.Error.Error()
	}
	return encodeNotification(channelMethod, struct {
		Content string            `json:"content"`
		Meta    map[string]string `json:"meta"`
	}{channelContent(event.Data), meta})
}

// channelContent returns data as compact JSON in which <, > and & are escaped. The client puts it between tags
// before the model: other people's text must not be able to close them.
func channelContent(data json.RawMessage) string {
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		compact.Reset()
		compact.Write(data)
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.String()
}
