package mcp

import (
	"maps"
	"slices"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// maxSelfText bounds, in bytes, what is kept of a text in which a client speaks of itself.
const maxSelfText = 200

// clientState is what a client has told of itself and asked for, apart from events. Its methods are those that
// mcp-go looks for in a session. They may be called from many goroutines at once.
type clientState struct {
	mu            sync.Mutex
	initialized   bool
	legacyVersion string // the version agreed on by initialize; "" without that handshake
	level         mcpgo.LoggingLevel
	info          mcpgo.Implementation
	capabilities  mcpgo.ClientCapabilities
	resources     map[string]bool // URIs subscribed to by resources/subscribe
}

// Initialize marks the client as ready.
func (c *clientState) Initialize() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.initialized = true
}

// Initialized reports whether the client is ready.
func (c *clientState) Initialized() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.initialized
}

// SetProtocolVersion records the version agreed on by initialize. A request of protocol 2026-07-28 brings its
// version along instead, and is not recorded.
func (c *clientState) SetProtocolVersion(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.legacyVersion = version
}

// ProtocolVersion returns the version agreed on by initialize, "" without it.
func (c *clientState) ProtocolVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.legacyVersion
}

// SetClientInfo records who the client is: its name, title and version, as far as maxSelfText.
func (c *clientState) SetClientInfo(info mcpgo.Implementation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info = mcpgo.Implementation{
		Name: clip(info.Name, maxSelfText), Title: clip(info.Title, maxSelfText), Version: clip(info.Version, maxSelfText),
	}
}

// GetClientInfo returns who the client is.
func (c *clientState) GetClientInfo() mcpgo.Implementation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info
}

// SetClientCapabilities records what the client can do, without what is not the protocol's own, which has no bound.
func (c *clientState) SetClientCapabilities(capabilities mcpgo.ClientCapabilities) {
	capabilities.Experimental, capabilities.Extensions = nil, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capabilities = capabilities
}

// GetClientCapabilities returns what the client can do.
func (c *clientState) GetClientCapabilities() mcpgo.ClientCapabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.capabilities
}

// GetLogLevel returns the least level the client wants; emergency, which nothing here uses, until it set one.
func (c *clientState) GetLogLevel() mcpgo.LoggingLevel {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.level == "" {
		return mcpgo.LoggingLevelEmergency
	}
	return c.level
}

// wantsLog reports whether the client set a level by which it gets messages of level info. Only initialize-era
// clients can: from protocol 2026-07-28 on a level holds for one request.
func (c *clientState) wantsLog() bool {
	return mcpgo.LoggingLevelInfo.ShouldSendTo(c.GetLogLevel())
}

func (c *clientState) setLevel(level mcpgo.LoggingLevel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.level = level
}

func (c *clientState) setResource(uri string, subscribed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !subscribed {
		delete(c.resources, uri)
		return
	}
	if c.resources == nil {
		c.resources = map[string]bool{}
	}
	c.resources[uri] = true
}

// SubscribedResources returns the URIs subscribed to, sorted.
func (c *clientState) SubscribedResources() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.resources))
}

// IsSubscribedToResource reports whether the client subscribed to uri.
func (c *clientState) IsSubscribedToResource(uri string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resources[uri]
}

var (
	_ mcpserver.SessionWithLogging                  = (*Session)(nil)
	_ mcpserver.SessionWithClientInfo               = (*Session)(nil)
	_ mcpserver.SessionWithProtocolVersion          = (*Session)(nil)
	_ mcpserver.SessionWithResources                = (*Session)(nil)
	_ mcpserver.SessionWithResourceSubscriptionsErr = (*Session)(nil)
	_ mcpserver.SessionWithResourceSubscriptionsErr = (*listenStream)(nil)
	_ mcpserver.SessionWithSubscriptionFilter       = (*listenStream)(nil)
)
