package schemas

// anyEventType is the EnvelopeOf of a schema that is for events of every type.
const anyEventType = "*"

// envelope puts the V2 event envelope around the schema of its event member. The verification token is not in
// it: it is dropped when an event arrives.
//
// Source of the format: EventV2Base and EventHeader in the event package of the Lark SDK.
func envelope(eventType string, event *object) *object {
	typeSchema := described("string", "", "the platform's name of the event type")
	if eventType != anyEventType {
		typeSchema = newObject("const", eventType)
	}
	header := newObject(
		"type", "object",
		"description", "what is the same for all event types",
		"properties", newObject(
			"event_id", described("string", "event_id", "unique id of the event; a repeated delivery has the same one"),
			"event_type", typeSchema,
			"create_time", described("string", "timestamp_ms", "when the event happened, in milliseconds since 1970"),
			"app_id", described("string", "app_id", "the app that receives the event"),
			"tenant_key", described("string", "tenant_key", "the tenant (company) the event happened in"),
		),
		"required", []any{"event_id", "event_type", "create_time"},
	)
	return newObject(
		"type", "object",
		"properties", newObject(
			"schema", newObject("const", "2.0", "description", "version of the envelope"),
			"header", header,
			"event", event,
		),
		"required", []any{"schema", "header", "event"},
	)
}

// described returns a schema with the keywords that are not empty.
func described(schemaType, format, description string) *object {
	o := newObject("type", schemaType)
	if format != "" {
		o.set("format", format)
	}
	if description != "" {
		o.set("description", description)
	}
	return o
}
