package mail

import (
	"embed"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

//go:embed examples
var examples embed.FS

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{receivedKey()}
}
