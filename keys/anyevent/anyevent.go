package anyevent

import (
	"context"
	"embed"
	"encoding/json"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// Key is the name of the key.
const Key = "event.any"

//go:embed examples
var examples embed.FS

// payloadSchema is written out because the payload is the envelope as it came, and old event types come in the
// V1 envelope: a V2 envelope around an open object would be a promise the platform does not keep.
const payloadSchema = `{
  "type": "object",
  "description": "the event's envelope as the platform sent it, without the verification token",
  "properties": {
    "schema": {"type": "string", "description": "2.0; absent in the old V1 envelope"},
    "header": {
      "type": "object",
      "description": "absent in the old V1 envelope",
      "properties": {
        "event_id": {"type": "string", "format": "event_id", "description": "unique id of the event"},
        "event_type": {"type": "string", "description": "the platform's name of the event type"},
        "create_time": {"type": "string", "format": "timestamp_ms", "description": "when the event happened, in milliseconds since 1970"},
        "app_id": {"type": "string", "format": "app_id"},
        "tenant_key": {"type": "string", "format": "tenant_key"}
      }
    },
    "uuid": {"type": "string", "description": "V1 envelope only: the event's id"},
    "event": {"type": "object", "description": "what happened; its members depend on the event type"}
  }
}`

// Keys returns the definition.
func Keys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{{
		Key:         Key,
		DisplayName: "Any event, by type",
		Keywords:    []string{"other event", "unknown event", "raw event", "custom event type", "任意事件", "其他事件"},
		Description: "Takes any event type of the platform by its name, also one that has no key of its own here. " +
			"You get the envelope exactly as the platform sent it: {schema, header, event}. " +
			"Prefer a key of the type's own where list_event_keys has one: its payload is described and readable. " +
			"The event type must be switched on in the developer console under Events & Callbacks, the app needs the " +
			"scopes that its documentation names, and a type that needs a subscribe call of its own (calendar, drive, " +
			"approval, meetings, mail) stays silent until something makes that call.",
		EventType: eventcore.AnyEventType,
		Params: []eventcore.ParamDef{{
			Name: eventcore.EventTypeParam, Type: eventcore.ParamString, Required: true,
			Description: "the platform's name of the event type, such as contact.user.created_v3 or approval_instance; " +
				"exactly as in the platform's event list, version included",
		}},
		Schema:          eventcore.SchemaDef{Custom: &eventcore.SchemaSpec{Raw: json.RawMessage(payloadSchema)}},
		NormalizeParams: normalize,
		AuthTypes:       []string{"bot"},
		Example:         keydef.Example(examples, Key),
	}}
}

// normalize trims the event type and refuses what no event type looks like, because a subscription to it would
// wait for ever without a word.
func normalize(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
	eventType := strings.TrimSpace(params[eventcore.EventTypeParam])
	if eventType == "" || !keydef.IsEventType(eventType) {
		return &eventcore.Error{
			Code:    eventcore.CodeInvalidParams,
			Message: "param \"" + eventcore.EventTypeParam + "\" of " + Key + " is not the name of one event type",
			Hint:    "give one name of letters, digits, dots and underscores, such as contact.user.created_v3; subscribe once for each type",
			Param:   eventcore.EventTypeParam,
		}
	}
	if eventType == "app_ticket" {
		return &eventcore.Error{
			Code: eventcore.CodeInvalidParams, Param: eventcore.EventTypeParam,
			Message: "app_ticket brings a secret of the app, which is kept from agents",
			Hint:    "choose another event type",
		}
	}
	params[eventcore.EventTypeParam] = eventType
	return nil
}
