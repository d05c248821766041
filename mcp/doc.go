// Package mcp is the MCP server: the tools, resources and push notifications through which an agent finds event
// keys, subscribes and receives events, in both protocol eras (the initialize handshake, and 2026-07-28), and the
// protocol's own extension for events (events/list, poll, stream, subscribe), through which a client does the same.
//
// The transports, stdio and Streamable HTTP, are its own: mcp-go's make their own sessions, know no methods beside the
// core protocol's, and drop notifications that a client is too slow for. What a client is answered is the same on both:
// the conversations in testdata are played on each, and say so where one of them differs.
//
// It neither reads the journal nor speaks to the bus: all that it knows of events comes through a [Consumer], and
// a [Session] holds what belongs to one client. What the extension follows belongs to the [Server]: its polls outlive
// a request, its webhooks a session. The command line makes a Server and serves it on a transport.
package mcp
