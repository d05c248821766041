package approval

import (
	"embed"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

//go:embed examples
var examples embed.FS

// lookupWorkers is how many requests may be looked up at once for one consumer.
const lookupWorkers = 4

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{instanceKey(), taskKey()}
}

// user is the identity that the keys listen as: the platform subscribes a person, never an app.
func user() []string { return []string{"user"} }
