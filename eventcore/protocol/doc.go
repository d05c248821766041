// Package protocol is the language between a bus and its consumers: newline-delimited JSON, one [Request] or
// [Response] a line, over one connection per consumer.
//
// It defines the messages, their limits and how they are read and written; it opens no connection (package
// transport does) and holds no state. Package bus speaks one side, consume and busctl the other.
package protocol
