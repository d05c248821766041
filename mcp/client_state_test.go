package mcp

import (
	"strings"
	"testing"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// A session over HTTP outlives its requests, and there may be a thousand of them.
func TestWhatAClientSaysOfItselfIsKeptWithinBounds(t *testing.T) {
	long := strings.Repeat("n", 3<<20)
	var c clientState
	c.SetClientInfo(mcpgo.Implementation{Name: long, Title: long, Version: long, Description: long, WebsiteURL: long})
	c.SetClientCapabilities(mcpgo.ClientCapabilities{
		Experimental: map[string]any{"x": long}, Extensions: map[string]any{"y": long}, Elicitation: &mcpgo.ElicitationCapability{},
	})
	info, capabilities := c.GetClientInfo(), c.GetClientCapabilities()
	if kept := len(info.Name + info.Title + info.Version + info.Description + info.WebsiteURL); kept > 1000 || !strings.HasPrefix(info.Name, "nnn") {
		t.Errorf("%d bytes of a client's name are kept, %.20q", kept, info.Name)
	}
	if len(capabilities.Experimental)+len(capabilities.Extensions) > 0 || capabilities.Elicitation == nil {
		t.Errorf("kept capabilities: %+v", capabilities)
	}
}
