package larksim

import (
	"encoding/json"
	"iter"
	"strings"
	"time"
)

const (
	// VerificationToken is in the header of every event, as on the platform. It must never leave the source.
	VerificationToken = "simVerificationTokenNeverShown01"
	// TenantKey names the simulated company.
	TenantKey = "2ca1d211f64f6438"
	// CardAction is the type of a card callback; it is sent in a frame of its own type.
	CardAction = "card.action.trigger"
)

// Event is one event, yet without its envelope.
type Event struct {
	ID   string // default: a new one
	Type string
	// Created is when the platform created it; default now.
	Created time.Time
	// Body is the event member, anything that marshals to a JSON object.
	Body any
}

// envelope is the V2 envelope; its fields are in the platform's order.
type envelope struct {
	Schema string         `json:"schema"`
	Header envelopeHeader `json:"header"`
	Event  any            `json:"event"`
}

type envelopeHeader struct {
	EventID    string `json:"event_id"`
	Token      string `json:"token"`
	CreateTime string `json:"create_time"`
	EventType  string `json:"event_type"`
	TenantKey  string `json:"tenant_key"`
	AppID      string `json:"app_id"`
}

func (p *Platform) envelope(event Event) []byte {
	created := event.Created
	if created.IsZero() {
		created = time.Now()
	}
	body, err := json.Marshal(envelope{
		Schema: "2.0",
		Header: envelopeHeader{
			EventID: event.ID, Token: VerificationToken, CreateTime: decimal(created.UnixMilli()),
			EventType: event.Type, TenantKey: TenantKey, AppID: p.options.AppID,
		},
		Event: event.Body,
	})
	if err != nil {
		// A body that does not marshal is a mistake in the caller's test; the client sees no event.
		return []byte("larksim: " + err.Error())
	}
	return body
}

// Texts yields n bodies of im.message.receive_v1, each with ids of its own and a text of size bytes, for load. They
// cost little to make: only the ids differ.
func (p *Platform) Texts(n, size int) iter.Seq[[]byte] {
	const eventMark, messageMark = "EVENT-ID-PLACE", "MESSAGE-ID-PLACE"
	event := Text(Ada, Engineering, strings.Repeat("x", size))
	event.ID = eventMark
	event.Body.(object)["message"].(object)["message_id"] = messageMark
	template := string(p.envelope(event))
	head, rest, _ := strings.Cut(template, eventMark)
	middle, tail, _ := strings.Cut(rest, messageMark)
	return func(yield func([]byte) bool) {
		for range n {
			id := newID()
			body := make([]byte, 0, len(template)+64)
			body = append(append(body, head...), id...)
			body = append(append(body, middle...), "om_"...)
			body = append(append(body, id...), tail...)
			if !yield(body) {
				return
			}
		}
	}
}
