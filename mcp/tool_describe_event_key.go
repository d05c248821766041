package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func describeEventKey() tool {
	return tool{
		name:  "describe_event_key",
		title: "Describe an event key",
		description: "What a key is about: its params and the values they take, the schema and an example of its events' data, " +
			"the scopes and console settings it needs. Next: subscribe_event.",
		arguments: []argument{
			{name: "key", kind: kindText, required: true, description: "an event key, e.g. im.message.receive_v1"},
		},
		output: outputSchema(`"key":{"type":"string"},"title":{"type":"string"},"description":{"type":"string"},`+
			`"event_type":{"type":"string"},"domain":{"type":"string"},"auth_types":{"type":"array","items":{"type":"string"}},`+
			`"scopes":{"type":"array","items":{"type":"string"}},"required_console_events":{"type":"array","items":{"type":"string"}},`+
			`"params":{"type":"array","items":{"type":"object"}},"params_schema":{"type":"object"},"payload_schema":{"type":"object"},`+
			`"example":{},"single_consumer":{"type":"boolean"},"superseded_by":{"type":"string"}`, "key", "params_schema", "payload_schema"),
		annotations: lookingOnly(false),
		run: func(_ context.Context, _ *Session, args arguments) (any, error) {
			return describe(args.text("key"))
		},
	}
}

// keyDescription is all that a model needs to know to subscribe to a key and to understand its events.
type keyDescription struct {
	Key                   string             `json:"key"`
	Title                 string             `json:"title"`
	Description           string             `json:"description"`
	EventType             string             `json:"event_type"`
	Domain                string             `json:"domain"`
	AuthTypes             []string           `json:"auth_types"`
	Scopes                []string           `json:"scopes"`
	RequiredConsoleEvents []string           `json:"required_console_events"`
	Params                []paramDescription `json:"params"`
	ParamsSchema          json.RawMessage    `json:"params_schema"`
	PayloadSchema         json.RawMessage    `json:"payload_schema"`
	Example               json.RawMessage    `json:"example,omitempty"`
	SingleConsumer        bool               `json:"single_consumer"`
	SupersededBy          string             `json:"superseded_by,omitempty"`
}

type paramDescription struct {
	Name            string                 `json:"name"`
	Type            eventcore.ParamType    `json:"type"`
	Required        bool                   `json:"required"`
	Default         any                    `json:"default,omitempty"`
	Description     string                 `json:"description"`
	SubscriptionKey bool                   `json:"subscription_key,omitempty"`
	Values          []eventcore.ParamValue `json:"values,omitempty"`
}

func describe(key string) (*keyDescription, error) {
	def, ok := eventcore.Lookup(key)
	if !ok {
		return nil, eventcore.UnknownKey(key)
	}
	payload, err := eventcore.PayloadSchema(key)
	if err != nil {
		return nil, fmt.Errorf("payload schema of %s: %w", key, err)
	}
	params, err := eventcore.ParamsSchema(key)
	if err != nil {
		return nil, fmt.Errorf("params schema of %s: %w", key, err)
	}
	description := &keyDescription{
		Key: def.Key, Title: cmp.Or(def.DisplayName, def.Key), Description: def.Description,
		EventType: def.EventType, Domain: def.Domain(),
		AuthTypes: append([]string{}, def.AuthTypes...), Scopes: append([]string{}, def.Scopes...),
		RequiredConsoleEvents: append([]string{}, def.RequiredConsoleEvents...),
		Params:                []paramDescription{},
		ParamsSchema:          params, PayloadSchema: payload,
		Example: def.Example, SingleConsumer: def.SingleConsumer, SupersededBy: def.SupersededBy,
	}
	for _, p := range def.Params {
		param := paramDescription{
			Name: p.Name, Type: p.Type, Required: p.Required, Description: p.Description,
			SubscriptionKey: p.SubscriptionKey, Values: p.Values,
		}
		if p.Default != "" {
			param.Default = eventcore.TypedParams(def, map[string]string{p.Name: p.Default})[p.Name]
		}
		description.Params = append(description.Params, param)
	}
	return description, nil
}
