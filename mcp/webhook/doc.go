// Package webhook delivers events to callback endpoints as the MCP extension io.modelcontextprotocol/events asks:
// subscriptions with a lifetime, endpoints that prove they want deliveries, signed requests, and retries of each event
// on its own.
//
// It knows neither JSON-RPC nor the bus: package mcp calls [Manager.Subscribe] and [Manager.Unsubscribe], and gives it
// events through [Feeds]. Who may subscribe is decided by the caller, which passes the authenticated principal.
//
// What is promised to an endpoint:
//
//   - Delivery is at least once. Events set out in the order of the journal, up to four at once, so that they may arrive
//     in another. No body is kept for a retry: it is read from the feed again, so that what waits costs a position and
//     an id.
//   - An event is tried 12 times over some eleven hours, and at once when an outage of the endpoint is over. A 410 ends
//     the subscription, a 413 the event. An event that was given up for whatever reason is told of by a gap message.
//   - After six hours of nothing but failures, of more than one event or to connect at all, deliveries are suspended, and
//     nothing is given up any more; subscribing again resumes them. A subscription without expiry that stays suspended for
//     a week is dropped. Time in which this server was down does not count as failure.
//   - Events that cannot be had for a while, as when a permission was withdrawn, are asked for again and again. Only an
//     event that is not known any more, or arguments that it no longer takes, end the subscription.
//   - Subscriptions of a principal that [Options.Permitted] denies end before anything more is delivered; their endpoints
//     are told.
//   - A body's cursor never passes an event that was neither acknowledged nor given up, the one in the body included.
//   - Every request goes to an address that was resolved and found public for this request; redirects and proxies are
//     not followed.
//
// With [Options.Dir] subscriptions survive the process. Reading positions are saved once a second and at
// [Manager.Close]: after a crash an endpoint gets again what it acknowledged in the last second, and what it
// acknowledged ahead of an older event that still fails (at most 1,000 events).
package webhook
