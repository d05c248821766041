package mcp

import (
	"encoding/json"
	"fmt"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// refuseCursor returns the error for a list request with a cursor, nil for any other message. Lists are one page each,
// so no cursor is of this server; mcp-go would complain of its encoding, or take it for a place and hide what is
// before.
func refuseCursor(msg message) *rpcError {
	switch mcpgo.MCPMethod(msg.method) {
	case mcpgo.MethodToolsList, mcpgo.MethodResourcesList, mcpgo.MethodResourcesTemplatesList, mcpgo.MethodPromptsList:
	default:
		return nil
	}
	var request struct {
		Params struct {
			Cursor string `json:"cursor"`
		} `json:"params"`
	}
	if !msg.isRequest() || json.Unmarshal(msg.raw, &request) != nil || request.Params.Cursor == "" {
		return nil // what does not fit at all is told by mcp-go
	}
	e := &eventcore.Error{
		Code: eventcore.CodeInvalidCursor, Message: fmt.Sprintf("%q is not a cursor of %s", clip(request.Params.Cursor, 100), msg.method),
		Hint: "leave the cursor out; the list is a single page",
	}
	return &rpcError{Code: mcpgo.INVALID_PARAMS, Message: e.Error(), Data: e}
}
