// Package content turns the content of a message, JSON in a string whose shape depends on the message type, into
// text that a person or a model can read, and finds the files that come with it.
//
// It calls no API and knows nothing of events: a forwarded conversation, whose messages must be fetched, gets a
// placeholder here. Package im calls it for every message received.
//
// Source of the shapes: "Message content" in the platform's documentation
// (open.feishu.cn/document/server-docs/im-v1/message-content-description/message_content), and card JSON 1.0
// and 2.0 (open.feishu.cn/document/feishu-cards).
package content
