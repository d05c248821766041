// Package lark receives an app's events over the platform's long connection: it asks for an endpoint, keeps one
// WebSocket open to it, joins chunks, hands events to a [source.Sink] and answers each frame once the sink says
// how it went.
//
// It speaks the frames of package frame, and knows no SDK: it stores nothing, filters nothing and calls no API but the
// one that names the endpoint. Package bus runs it, against the platform in production and against larksim in
// the demo and in tests.
package lark
