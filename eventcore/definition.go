package eventcore

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/schemas"
)

// The bounds of [KeyDefinition.BufferSize], in events.
const (
	DefaultBufferSize = 100
	MaxBufferSize     = 1000
)

// RawEvent is one event as the platform sent it, before any hook has seen it.
type RawEvent struct {
	// EventID is the platform's id of the event; the same id means the same event.
	EventID string `json:"event_id"`
	// EventType is the platform's type name, such as im.message.receive_v1.
	EventType string `json:"event_type"`
	// SourceTime is when the platform created the event: milliseconds since 1970 as a decimal string (V2
	// envelopes), or seconds with a fraction (V1). Empty if the platform did not say.
	SourceTime string `json:"source_time,omitempty"`
	// Payload is the whole envelope, with the app's verification token removed.
	Payload json.RawMessage `json:"payload"`
	// Timestamp is when this machine received the event.
	Timestamp time.Time `json:"timestamp"`

	decoded *decodings // nil: hooks share nothing
}

// APIClient calls the platform's open API. Which identity it calls as is decided by whoever made it, so that a
// hook cannot choose another.
//
// CallAPI sends body (nil for none) as JSON to path, which may carry a query, and returns the answer's data
// member. A refusal by the platform is an [*Error]. It may be called from many goroutines at once.
type APIClient interface {
	CallAPI(ctx context.Context, method, path string, body any) (json.RawMessage, error)
}

// ProcessFunc turns a raw event into what the subscriber gets; see [KeyDefinition.Process].
type ProcessFunc = func(ctx context.Context, rt APIClient, raw *RawEvent, params map[string]string) (json.RawMessage, error)

// ParamType is the type of a parameter's value. Hooks see every value as a string; see [ResolveParams] for how
// each type is written.
type ParamType string

// The types a parameter can have.
const (
	ParamString ParamType = "string"
	ParamEnum   ParamType = "enum"  // one of ParamDef.Values
	ParamMulti  ParamType = "multi" // any number of ParamDef.Values, comma-separated
	ParamBool   ParamType = "bool"  // "true" or "false"
	ParamInt    ParamType = "int"   // decimal, 64 bits
)

// ParamValue is one value that an enum or multi parameter accepts. Desc is mandatory: it is what a model reads
// to choose, and it accompanies the value wherever the value is shown.
type ParamValue struct {
	Value string `json:"value"`
	Desc  string `json:"desc"`
}

// ParamDef describes one parameter of a key.
type ParamDef struct {
	Name        string       `json:"name"`
	Type        ParamType    `json:"type"`
	Required    bool         `json:"required"`
	Default     string       `json:"default,omitempty"`
	Description string       `json:"description"`
	Values      []ParamValue `json:"values,omitempty"`

	// SubscriptionKey makes the parameter part of the subscription identity: consumers whose values differ hold
	// distinct subscriptions on the platform, each with a PreConsume and a cleanup of its own.
	//
	// Set it only if the platform's own subscribe call is scoped to that resource. Lark stores one record per
	// (app, user, event type) and overwrites it, so that for any other call the cleanup of one resource would
	// silently end the events of all the others.
	SubscriptionKey bool `json:"subscription_key,omitempty"`
}

// SchemaSpec is a schema, either derived from a Go type or written out. Exactly one field is set.
type SchemaSpec struct {
	Type reflect.Type    `json:"-"`
	Raw  json.RawMessage `json:"raw,omitempty"`
}

// SchemaDef says what a subscriber gets. Exactly one of Native and Custom is set.
type SchemaDef struct {
	// Native describes the envelope's event member; the subscriber gets the whole V2 envelope around it.
	Native *SchemaSpec `json:"native,omitempty"`
	// Custom describes the payload as it is: the output of Process, or an event that comes in no V2 envelope.
	Custom *SchemaSpec `json:"custom,omitempty"`
	// FieldOverrides adds to single fields, by JSON Pointer into the payload the subscriber gets, with * for
	// any array item: /event/message/chat_id, /mentions/*/id. A pointer must hit a field.
	FieldOverrides map[string]schemas.FieldMeta `json:"field_overrides,omitempty"`
}

// KeyDefinition is one thing that can be subscribed to.
//
// For one event the hooks run in the order Match, Process, the subscriber's own filter. For one consumer,
// before any event: defaults, validation, NormalizeParams, subscription identity, PreConsume.
type KeyDefinition struct {
	// Key is the unique name; up to its first dot it is the domain. Usually it is the event type.
	Key string `json:"key"`
	// DisplayName is the title a person or a model reads: a few words.
	DisplayName string `json:"display_name,omitempty"`
	Description string `json:"description,omitempty"`
	// EventType is the platform's type of the events to look at. For a key that takes any type, it is
	// [AnyEventType] and the type comes from the parameter event_type.
	EventType string `json:"event_type"`

	Params []ParamDef `json:"params,omitempty"`
	Schema SchemaDef  `json:"schema"`

	// NormalizeParams makes the params canonical, in place, before anything else uses them: an alias becomes
	// the address, a link becomes the token. It may call the API, runs once per consumer, and an error from it
	// fails the subscription. Nil leaves the params as they are.
	NormalizeParams func(ctx context.Context, rt APIClient, params map[string]string) error `json:"-"`

	// Process makes the subscriber's payload of an event, and may call the API. A nil result without an error
	// drops the event. An error never does: it is delivered beside the result, which then holds what is known,
	// or, if there is no result, beside the event as it came. It is required exactly
	// if Schema.Custom is something else than the event as it came, and must be nil if Schema.Native is set.
	// It may be called from many goroutines at once.
	Process ProcessFunc `json:"-"`

	// Match is a filter on the raw event that needs no API; false drops the event. Nil keeps all.
	// It may be called from many goroutines at once.
	Match func(raw *RawEvent, params map[string]string) bool `json:"-"`

	// PreConsume makes the platform send the events, for keys that need a subscribe call of their own. It
	// runs for the first consumer of a subscription identity on this machine; the cleanup it returns (nil for
	// none) runs when the last one leaves. It must be idempotent: a consumer that takes over from one that
	// was killed runs it again. It must end when ctx does, which may be some seconds after the subscriber has
	// gone, so that what it began can be undone.
	PreConsume func(ctx context.Context, rt APIClient, params map[string]string) (cleanup func() error, err error) `json:"-"`
	// Cleanup undoes PreConsume for a consumer that did not run it itself: the last to leave is often not the
	// first that came, and the first may have been killed. Nil means that such a consumer runs PreConsume again,
	// for the cleanup it returns. It must be nil without PreConsume.
	Cleanup func(ctx context.Context, rt APIClient, params map[string]string) error `json:"-"`

	// Scopes are the permissions the app needs; any one of a "a or b" entry is enough.
	Scopes []string `json:"scopes,omitempty"`
	// AuthTypes are the identities the key can listen as, "bot" and "user", the preferred one first. Empty
	// means that none is needed.
	AuthTypes []string `json:"auth_types,omitempty"`
	// RequiredConsoleEvents are the events (or callbacks) to switch on in the developer console.
	RequiredConsoleEvents []string `json:"required_console_events,omitempty"`

	// SubscriptionGroup names the platform's subscription that several keys share, where one subscribe call brings the
	// events of all of them: their consumers then count together, so that the cleanup of one key does not end the
	// events of another. Empty means that the key has a subscription of its own.
	SubscriptionGroup string `json:"subscription_group,omitempty"`

	// BufferSize is how many events a consumer reads ahead: 0 for [DefaultBufferSize], at most [MaxBufferSize].
	BufferSize int `json:"buffer_size,omitempty"`
	// Workers is how many Process calls may run at once; 0 means 1. Results keep the journal's order.
	Workers int `json:"workers,omitempty"`

	// Keywords are words for search beside those of the title and the description: synonyms, and the Chinese
	// words for what the event is about.
	Keywords []string `json:"keywords,omitempty"`

	// SupersededBy is the key that tells of the same thing in the platform's newer event format, if there is one; a
	// search prefers that one.
	SupersededBy string `json:"superseded_by,omitempty"`

	// SingleConsumer refuses a second consumer of the same subscription identity on this machine.
	SingleConsumer bool `json:"single_consumer,omitempty"`
	// Example is a payload as a subscriber gets it; it satisfies the payload schema.
	Example json.RawMessage `json:"example,omitempty"`
}

// AnyEventType is the EventType of a key whose type is chosen by its parameter [EventTypeParam].
const AnyEventType = "*"

// EventTypeParam names the parameter that chooses the event type of an [AnyEventType] key.
const EventTypeParam = "event_type"

// DomainV1 is the domain of keys without a dot: names of event types in the platform's first event format.
const DomainV1 = "v1"

// Domain is the part of the key before its first dot, such as im or calendar, or [DomainV1].
func (d *KeyDefinition) Domain() string {
	domain, _, dotted := strings.Cut(d.Key, ".")
	if !dotted {
		return DomainV1
	}
	return domain
}

// EventTypeFor is the platform event type that a consumer with these resolved params listens to.
func (d *KeyDefinition) EventTypeFor(params map[string]string) string {
	if d.EventType == AnyEventType {
		return params[EventTypeParam]
	}
	return d.EventType
}
