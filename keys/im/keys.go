package im

import (
	"embed"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

//go:embed examples
var examples embed.FS

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	keys := []eventcore.KeyDefinition{receiveKey()}
	keys = append(keys, messageKeys()...)
	keys = append(keys, memberKeys()...)
	return append(keys, chatKeys()...)
}

// bot is the identity that all keys of the domain listen as.
func bot() []string { return []string{"bot"} }
