// Package keysearch finds event keys by what a person or a model says of an event: English words in any form, and
// Chinese.
//
// It ranks definitions and changes none; it knows no key, and nothing of what events hold. The MCP server calls it for
// list_event_keys.
package keysearch
