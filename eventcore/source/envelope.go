package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// ErrNotEvent is wrapped by the errors of [ParseEnvelope].
var ErrNotEvent = errors.New("not an event")

// legacyCardType is the event type given to card callbacks in the format before V2, which name none.
const legacyCardType = "card.action.trigger_v1"

// envelope is what is read of a body; the event itself is not decoded.
type envelope struct {
	Schema string                     `json:"schema"`
	Header map[string]json.RawMessage `json:"header"`
	UUID   string                     `json:"uuid"`
	TS     string                     `json:"ts"`
	Type   string                     `json:"type"`
	Event  json.RawMessage            `json:"event"`
	// Members of a card callback in the format before V2.
	OpenMessageID string          `json:"open_message_id"`
	Action        json.RawMessage `json:"action"`
}

// ParseEnvelope reads the header of a body in the V2 or V1 envelope, or of a card callback in the format before
// V2, and returns the event with the app's verification token removed from the payload. An envelope without an
// id gets one from the hash of the body. Errors wrap [ErrNotEvent] and hold no content.
//
// Source of the formats: the SDK's event package (EventV2Base, EventHeader) and card package (CardAction).
func ParseEnvelope(body []byte, received time.Time) (eventcore.RawEvent, error) {
	var env envelope
	if err := json.Unmarshal(body, &env); err != nil {
		return eventcore.RawEvent{}, fmt.Errorf("%w: the body is no JSON object of the expected shape (%d bytes)", ErrNotEvent, len(body))
	}
	raw := eventcore.RawEvent{Timestamp: received}
	var err error
	switch {
	case env.Header != nil:
		raw.EventID = text(env.Header["event_id"])
		raw.EventType = text(env.Header["event_type"])
		raw.SourceTime = text(env.Header["create_time"])
		raw.Payload, err = without(body, "header", "token")
	case len(env.Event) > 0:
		var inner struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(env.Event, &inner); err != nil {
			return eventcore.RawEvent{}, fmt.Errorf("%w: the event member of a V1 envelope is no object", ErrNotEvent)
		}
		raw.EventID, raw.EventType, raw.SourceTime = env.UUID, inner.Type, env.TS
		raw.Payload, err = without(body, "token")
	case len(env.Action) > 0:
		raw.EventType = legacyCardType
		raw.Payload, err = without(body, "token")
	default:
		return eventcore.RawEvent{}, fmt.Errorf("%w: it has neither a header nor an event (%d bytes)", ErrNotEvent, len(body))
	}
	if err != nil {
		return eventcore.RawEvent{}, fmt.Errorf("%w: %v", ErrNotEvent, err)
	}
	if raw.EventType == "" {
		return eventcore.RawEvent{}, fmt.Errorf("%w: it names no event type (%d bytes)", ErrNotEvent, len(body))
	}
	if raw.EventID == "" {
		sum := sha256.Sum256(body)
		raw.EventID = "sha256:" + hex.EncodeToString(sum[:16])
	}
	return raw, nil
}

// without returns object with the member at path removed; the rest keeps its bytes, not its order.
func without(object json.RawMessage, path ...string) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	child, ok := members[path[0]]
	if !ok {
		return json.Marshal(members)
	}
	if len(path) == 1 {
		delete(members, path[0])
		return json.Marshal(members)
	}
	trimmed, err := without(child, path[1:]...)
	if err != nil {
		return nil, err
	}
	members[path[0]] = trimmed
	return json.Marshal(members)
}

// text returns a JSON string's value, a number as written, and "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}
