// Package schemas makes JSON Schema (draft 2020-12) documents: of payloads, from Go types or from written-out
// schemas, wrapped in the V2 event envelope where they need it, and of the parameters of event keys.
//
// It is not for validating anything, and it knows nothing of the registry or of any key. Package eventcore calls
// it and keeps the results; packages under keys write the struct tags it reads.
//
// # Struct tags
//
// Names and required members follow encoding/json: a field without omitempty is required, except in native types,
// which describe what the platform sends and promise nothing. Three tags add the rest:
//
//	ChatID string   `json:"chat_id" kind:"chat_id" desc:"the chat the message is in"`
//	State  string   `json:"state" enum:"open,closed" desc:"where the task stands"`
//	Users  []string `json:"users" kind:"open_id"`
//
// desc is the description. kind is what the value is (open_id, chat_id, message_id, timestamp_ms, date-time, …)
// and becomes format. enum lists the values, comma-separated. On a slice, kind and enum are about its items.
//
// # What a payload schema is like
//
// Types are written inline: there is no $ref, and where a type contains itself the inner one is an open object
// that says so. Objects are open, because the platform adds fields. Members stand in the order of the fields.
package schemas
