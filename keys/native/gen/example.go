package main

import (
	"encoding/json"
	"strings"
)

// The example events happened at this moment.
const (
	exampleMillis  = "1767340000123"
	exampleSeconds = "1767340000"
)

// exampleTexts are examples of texts, by kind.
var exampleTexts = map[string]string{
	"open_id":  "ou_7d8a6e6df7621556ce0d21922b676706",
	"union_id": "on_8ed6aa67826108097d9ee143816345aa", "user_id": "e33ggbyz", "tenant_key": "2ca1d211f64f6438",
	"app_id": "cli_a1b2c3d4e5f6a7b8", "chat_id": "oc_5ad11d72b830411d72b836c20a1b2c3d",
	"message_id": "om_dc13264520392913993dd051dba21dcf", "department_id": "od-4e6ac4d14bcd5071a37a39de902c7141",
	"open_department_id": "od-4e6ac4d14bcd5071a37a39de902c7141", "file_token": "doxcnBdH5Xt1XcA9RgjTBkk1cPf",
	"timestamp": exampleMillis, "timestamp_ms": exampleMillis, "timestamp_s": exampleSeconds, "calendar_date": "2026-01-02",
	"url": "https://example.com/item", "email": "ada@example.com", "phone_number": "+8613800000000",
	"instance_code": "81D31358-93AF-92D6-7425-01A5D67C4E71", "approval_code": "7C468A54-8745-2245-9675-08B7C63E7A85",
}

// example is a payload of the key: the envelope with every member of the event.
func (d described) example() any {
	event := map[string]any{}
	for _, f := range d.fields {
		put(event, strings.Split(f.pointer, "/")[1:], f.exampleValue())
	}
	if d.v1 {
		event["type"] = d.name
		return map[string]any{"uuid": "41b5f371157e3d5341b38b20396e77e3", "ts": exampleSeconds + ".000123", "type": "event_callback", "event": event}
	}
	return map[string]any{
		"schema": "2.0",
		"header": map[string]any{
			"event_id": "5e3702a84e847582be8db7fb73283c02", "event_type": d.name, "create_time": exampleMillis,
			"tenant_key": exampleTexts["tenant_key"], "app_id": exampleTexts["app_id"],
		},
		"event": event,
	}
}

// put sets the value at a path; * is the one item of an array, or the one member of a map. Whatever holds others
// comes before them.
func put(into map[string]any, path []string, value any) {
	name := path[0]
	if name == "*" {
		name = "en_us" // most maps are by language
	}
	if len(path) == 1 {
		into[name] = value
		return
	}
	switch holder := into[name].(type) {
	case map[string]any:
		put(holder, path[1:], value)
	case []any:
		item := map[string]any{}
		if len(holder) == 1 {
			item["en_us"] = holder[0]
		}
		put(item, path[1:], value)
		into[name] = []any{item["en_us"]}
	}
}

// exampleValue is a value of the field; of what holds others, it is empty.
func (f describedField) exampleValue() any {
	if f.Example != nil {
		return f.Example
	}
	kind, _, enum, _ := f.meta()
	switch f.typ {
	case "string":
		switch {
		case len(enum) > 0:
			return enum[0]
		case exampleTexts[kind] != "":
			return exampleTexts[kind]
		case strings.HasSuffix(kind, "id"):
			return "7412345678901234567"
		case strings.HasSuffix(kind, "token"):
			return "obcn123456789abcdefghijk"
		}
		return exampleText(f.pointer)
	case "number":
		if kind == "timestamp_s" {
			return json.Number(exampleSeconds)
		}
		if strings.HasPrefix(kind, "timestamp") {
			return json.Number(exampleMillis)
		}
		return 1
	case "boolean":
		return true
	case "array":
		return []any{}
	}
	return map[string]any{}
}
