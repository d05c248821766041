package contact

import (
	"embed"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

//go:embed examples
var examples embed.FS

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	return slices.Concat(userKeys(), departmentKeys())
}

// bot is the identity that all keys of the domain listen as.
func bot() []string { return []string{"bot"} }

// scopes are those of which the events need any one; each field of a person or department needs a scope of its own
// besides (source: the platform's pages on these events).
func scopes() []string {
	return []string{"contact:contact.base:readonly or contact:contact:readonly_as_app"}
}
