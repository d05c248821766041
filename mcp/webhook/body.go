package webhook

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxBody is the largest body that is sent, in bytes; the extension asks for no more.
const maxBody = 256 << 10

// encodeOccurrence returns the body that delivers an event. watermark is the cursor that is safe to keep.
func encodeOccurrence(o Occurrence, watermark eventcore.Cursor) ([]byte, error) {
	body, err := encode(struct {
		EventID   string          `json:"eventId"`
		Name      string          `json:"name"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
		Cursor    string          `json:"cursor"`
		Meta      json.RawMessage `json:"_meta,omitempty"`
	}{o.EventID, o.Name, o.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z07:00"), o.Data, watermark.String(), o.Meta})
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxBody:
		return nil, fmt.Errorf("its body has %d bytes; %d are the most", len(body), maxBody)
	}
	return body, nil
}

// The types of control messages.
const (
	typeVerification = "verification"
	typeGap          = "gap"
	typeTerminated   = "terminated"
)

// control is a body that delivers no event.
type control struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge,omitempty"`
	Cursor    string `json:"cursor,omitempty"`
	Error     *Error `json:"error,omitempty"`
}

// controlID returns a new id of a control message of a type.
func controlID(kind string) string { return "msg_" + kind + "_" + rand.Text() }

// deliveryID returns the webhook-id of an event: its own id, or if that cannot stand in a header, one that follows
// from it.
func deliveryID(eventID string) string {
	if eventID != "" && !strings.ContainsFunc(eventID, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return eventID
	}
	sum := sha256.Sum256([]byte(eventID))
	return "evt_" + hex.EncodeToString(sum[:16])
}

// encode returns v as JSON, with < and > as they are.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a webhook's body: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
