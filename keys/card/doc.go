// Package card defines the event key of interactive cards: what people press, choose and fill in on them.
//
// It is not for sending or updating cards, and messages are in package im. Package keys registers what [Keys] returns.
package card
