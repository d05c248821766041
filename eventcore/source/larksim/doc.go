// Package larksim is a simulated open platform on loopback, over real HTTP and WebSocket: endpoint, long
// connections, acknowledgements and redelivery, tokens, recorded OpenAPI calls, and faults on demand.
//
// It checks credentials and keeps the platform's rules as far as they are known, and it is no part of production:
// what it does not know it answers as the platform's gateway answers an unknown path. The demo and the tests
// start it and reach it through source/lark and openapi, as they would the platform.
package larksim
