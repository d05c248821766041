// Package eventcore is the registry of event keys and the types that every other package speaks: definitions,
// raw events, parameters, subscription identity and the errors a user sees.
//
// It knows nothing of sockets, storage, MCP or the Lark SDK, and it runs no hook itself; package consume does.
// Packages under keys fill the registry through [RegisterKey] at start-up, and everything else reads it with
// [Lookup] and [ListAll].
package eventcore
