package mcp

import (
	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// logger is the logger's name in log messages to clients.
const logger = "lark-events"

// logNotification returns the notifications/message that brings an event.
func logNotification(event eventView) ([]byte, error) {
	type data struct {
		SubscriptionID string    `json:"subscription_id"`
		Event          eventView `json:"event"`
	}
	return encodeNotification("notifications/message", struct {
		Level  mcpgo.LoggingLevel `json:"level"`
		Logger string             `json:"logger"`
		Data   data               `json:"data"`
	}{mcpgo.LoggingLevelInfo, logger, data{event.SubscriptionID, event}})
}
