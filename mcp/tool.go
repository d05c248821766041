package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// tool is one tool: what a model reads of it, and what it does. run returns the result's content, which encodes to
// a JSON object, or an error that becomes the tool's error.
type tool struct {
	name, title, description string
	arguments                []argument
	output                   string
	annotations              mcpgo.ToolAnnotation
	run                      func(ctx context.Context, s *Session, args arguments) (any, error)
}

// tools are all tools, in the order in which an agent needs them.
func tools() []tool {
	return []tool{listEventKeys(), describeEventKey(), subscribeEvent(), pollEvents(), unsubscribeEvent(), eventStatus()}
}

// outputSchema returns the schema of a tool's result. It admits an error in place of the result, because there
// are clients (the TypeScript SDK's) that hold failed results against it too, and would hide the error.
func outputSchema(properties string, required ...string) string {
	return fmt.Sprintf(`{"type":"object","properties":{%s,"error":{"type":"object"}},"anyOf":[{"required":%s},{"required":["error"]}]}`,
		properties, quoted(required))
}

// The annotations of tools that only look: at this machine alone, or at the world.
func lookingOnly(openWorld bool) mcpgo.ToolAnnotation {
	return mcpgo.ToolAnnotation{ReadOnlyHint: new(true), OpenWorldHint: new(openWorld)}
}

func (t tool) definition() mcpgo.Tool {
	return mcpgo.Tool{
		Name: t.name, Title: t.title, Description: t.description,
		RawInputSchema:  inputSchema(t.arguments),
		RawOutputSchema: json.RawMessage(t.output),
		Annotations:     t.annotations,
	}
}

// handler adapts run to mcp-go. It never returns an error and never panics: what goes wrong is in the result.
func (t tool) handler() mcpserver.ToolHandlerFunc {
	return func(ctx context.Context, request mcpgo.CallToolRequest) (result *mcpgo.CallToolResult, _ error) {
		c := callFrom(ctx)
		session := c.session
		defer func() {
			if r := recover(); r != nil {
				session.logger.Error("a tool panicked", "tool", t.name, "panic", r, "stack", string(debug.Stack()))
				c.failed = true
				result = errorResult(&eventcore.Error{
					Code: eventcore.CodeInternal, Message: "internal error in " + t.name,
					Hint: "this is a bug; the server's log on stderr has the details",
				})
			}
		}()
		args, err := decodeModelArguments(t.arguments, request.Params.RawArguments)
		if err != nil {
			return errorResult(err), nil
		}
		content, err := t.run(ctx, session, args)
		if err != nil {
			c.failed = true
			if eventcore.IsCode(asUserError(err), eventcore.CodeInternal) && ctx.Err() == nil {
				session.logger.Error("a tool failed", "tool", t.name, "error", err)
			}
			return errorResult(err), nil
		}
		text, err := encode(content)
		if err != nil {
			c.failed = true
			session.logger.Error("a result could not be encoded", "tool", t.name, "error", err)
			return errorResult(err), nil
		}
		return toolResult(text, false), nil
	}
}

func errorResult(err error) *mcpgo.CallToolResult {
	text, encodeErr := encode(map[string]*eventcore.Error{"error": asUserError(err)})
	if encodeErr != nil {
		text = []byte(`{"error":{"code":"internal","message":"the error could not be encoded"}}`)
	}
	return toolResult(text, true)
}

// toolResult returns one encoded object both as structured content and as text, for clients that know only that.
func toolResult(text []byte, isError bool) *mcpgo.CallToolResult {
	return &mcpgo.CallToolResult{
		Content:           []mcpgo.Content{mcpgo.TextContent{Type: "text", Text: string(text)}},
		StructuredContent: json.RawMessage(text),
		IsError:           isError,
	}
}
