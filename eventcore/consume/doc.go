// Package consume is the subscriber's side of a bus: it attaches to the bus of an app (starting one if none
// runs), runs a key's hooks, and hands out events in pages.
//
// It holds no queue: a page is read at a cursor, and the caller decides when to go on. Reads that wait for the same events
// share one request to the bus, and what they make of its answer. It knows nothing of MCP; package mcp and the command
// line call it.
package consume
