package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/jsonscan"
)

// ErrNotEvent is wrapped by the errors of [ParseEnvelope].
var ErrNotEvent = errors.New("not an event")

// legacyCardType is the event type given to card callbacks in the format before V2, which name none.
const legacyCardType = "card.action.trigger_v1"

// messageType is the event type of messages. The platform may send one again as another event, with an id of its own, and
// says to tell messages by their message_id, which is unique in a tenant, and not to rely on the event_id. Source: the note
// on repeated pushes in https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/events/receive. What
// is edited later comes as an event of another type, im.message.updated_v1.
const messageType = "im.message.receive_v1"

// secretType is the event type that brings a store app its app_ticket, half of what it needs to act as the app. It is
// answered and thrown away: no agent and no journal is to have it. Source: appTicketEvent in the SDK's event package.
const secretType = "app_ticket"

// maxDepth bounds how deeply a body nests its objects and arrays. encoding/json reads 10,000 levels, which what wraps
// an event on its way to an agent would exceed: nobody could read the page that holds it.
const maxDepth = 1000

// ParseEnvelope reads the header of a body in the V2 or V1 envelope, or of a card callback in the format before
// V2, and returns the event with the app's verification token removed from the payload, and without white space
// between its tokens. Of the event itself nothing is decoded but the message_id of a message, for its DedupID. Bytes
// that are no UTF-8, and escapes of half a character, become U+FFFD, as encoding/json would have it, because the payload
// is passed on as it is to readers that may insist. An envelope without an id gets one from the hash of the body. A body
// that nests too deeply is refused. Errors wrap [ErrNotEvent] and hold no content. Done is left to the caller.
//
// Source of the formats: the SDK's event package (EventV2Base, EventHeader) and card package (CardAction).
func ParseEnvelope(body []byte, received time.Time) (Event, error) {
	compact, err := compacted(body)
	if err != nil {
		return Event{}, err
	}
	env := scanEnvelope(compact)
	event := Event{RawEvent: eventcore.RawEvent{Timestamp: received, Payload: env.payload}}
	raw := &event.RawEvent
	switch {
	case env.header:
		raw.EventID, raw.EventType, raw.SourceTime = env.eventID, env.eventType, env.createTime
		if raw.EventType == messageType && env.event != nil {
			event.DedupID = messageID(env.event, env.tenant)
		}
	case env.event != nil:
		raw.EventID, raw.SourceTime = env.uuid, env.ts
		for name, value := range members(env.event) {
			if string(folded(name)) == "type" {
				raw.EventType = stringOnly(value)
			}
		}
	case env.action:
		raw.EventType = legacyCardType
	default:
		return Event{}, fmt.Errorf("%w: it has neither a header nor an event (%d bytes)", ErrNotEvent, len(body))
	}
	if raw.EventType == secretType {
		return Event{}, fmt.Errorf("%w: it is a ticket of a store app, which is a secret and no news", ErrNotEvent)
	}
	if raw.EventType == "" {
		return Event{}, fmt.Errorf("%w: it names no event type (%d bytes)", ErrNotEvent, len(body))
	}
	if raw.EventID == "" {
		sum := sha256.Sum256(body)
		raw.EventID = "sha256:" + hex.EncodeToString(sum[:16])
	}
	return event, nil
}

// messageID returns what tells a message from all others: its tenant and its message_id, or "" if it has none. Of several
// the last one counts, as for those who read the payload.
func messageID(event []byte, tenant string) string {
	var id, name []byte
	inMessage := false
	// One walk, not one to find the end of the message and another through it: every message passes here.
	for rest := event[1:]; ; {
		if rest[0] == '}' {
			if !inMessage {
				break
			}
			inMessage, rest = false, rest[1:]
			continue
		}
		name, rest = nextName(rest)
		if !inMessage && rest[0] == '{' && string(folded(name)) == "message" {
			inMessage, rest = true, rest[1:]
			continue
		}
		value := rest[:valueEnd(rest)]
		rest = rest[len(value):]
		if inMessage && value[0] == '"' && string(folded(name)) == "message_id" {
			id = value[1 : len(value)-1]
		}
	}
	if len(id) == 0 {
		return ""
	}
	text := make([]byte, 0, 64)
	return string(append(append(append(text, tenant...), '/'), id...))
}

// compacted returns an object in UTF-8 and without white space between its tokens: the body itself if it is so already,
// as the platform sends it.
func compacted(body []byte) ([]byte, error) {
	if len(body) > 0 && body[0] == '{' && jsonscan.IsCompact(body, maxDepth) {
		return body, nil
	}
	clean := body
	if !utf8.Valid(clean) {
		clean = bytes.ToValidUTF8(clean, []byte("\uFFFD"))
	}
	compact := bytes.NewBuffer(make([]byte, 0, len(clean)))
	if err := json.Compact(compact, clean); err != nil || compact.Len() == 0 || compact.Bytes()[0] != '{' {
		return nil, fmt.Errorf("%w: the body is no JSON object (%d bytes)", ErrNotEvent, len(body))
	}
	if nestsDeeper(compact.Bytes(), maxDepth) {
		return nil, fmt.Errorf("%w: the body nests deeper than %d levels (%d bytes)", ErrNotEvent, maxDepth, len(body))
	}
	return jsonscan.ReplaceSurrogates(compact.Bytes()), nil
}

// envelope is what is read of a body.
type envelope struct {
	header                         bool // V2
	eventID, eventType, createTime string
	tenant                         string
	event                          []byte // V1, and V2
	uuid, ts                       string
	action                         bool // a card callback before V2
	payload                        []byte
}

// scanEnvelope reads a body without white space in one pass, and copies it without the tokens on the way.
func scanEnvelope(body []byte) envelope {
	var env envelope
	out := append(make([]byte, 0, len(body)), '{')
	for name, value := range members(body) {
		what := folded(name)
		if string(what) == "token" {
			continue
		}
		out = appendName(out, name)
		switch string(what) {
		case "header":
			if value[0] == '{' {
				env.header = true
				out = env.scanHeader(out, value)
				continue
			}
		case "event":
			if value[0] == '{' {
				env.event = value
			}
		case "uuid":
			env.uuid = text(value)
		case "ts":
			env.ts = text(value)
		case "action":
			env.action = true
		}
		out = append(out, value...)
	}
	env.payload = append(out, '}')
	return env
}

// scanHeader reads the header of a V2 envelope and appends it to out without its token.
func (env *envelope) scanHeader(out, header []byte) []byte {
	out = append(out, '{')
	for name, value := range members(header) {
		switch string(folded(name)) {
		case "token":
			continue
		case "event_id":
			env.eventID = text(value)
		case "event_type":
			env.eventType = stringOnly(value)
		case "create_time":
			env.createTime = text(value)
		case "tenant_key":
			env.tenant = text(value)
		}
		out = append(appendName(out, name), value...)
	}
	return append(out, '}')
}

// folded returns a member's name in the form in which names are compared here: without regard to case, as encoding/json
// does, so that what a reader of the payload takes for the token is what was removed. Most names are in it as they are.
func folded(name []byte) []byte {
	plain := name[1 : len(name)-1]
	for _, c := range plain {
		if c == '\\' || c >= 0x80 || 'A' <= c && c <= 'Z' {
			return bytes.Map(lowest, []byte(unquote(name)))
		}
	}
	return plain
}

// lowest returns the lower-case ASCII letter that equals r but for case, if there is one; some that are no ASCII have one.
func lowest(r rune) rune {
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if 'a' <= f && f <= 'z' {
			return f
		}
	}
	return r
}

// appendName appends a member's name, after a comma if it is not the first one.
func appendName(out, name []byte) []byte {
	if out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	return append(append(out, name...), ':')
}

// stringOnly returns a JSON string's value, and "" for anything else.
func stringOnly(value []byte) string {
	if value[0] != '"' {
		return ""
	}
	return unquote(value)
}

// text returns a JSON string's value, a number as written, and "" for anything else.
func text(value []byte) string {
	switch c := value[0]; {
	case c == '"':
		return unquote(value)
	case c == '-' || (c >= '0' && c <= '9'):
		return string(value)
	}
	return ""
}
