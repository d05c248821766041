// Package im defines the event keys of the messenger: messages, reactions, and the life and members of chats.
//
// It is not for sending or reading messages. Package keys registers what [Keys] returns; the text of messages is
// rendered by package content below it.
package im
