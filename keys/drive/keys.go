package drive

import (
	"embed"
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

//go:embed examples
var examples embed.FS

// subscribeScope lets an app make the platform send the events of a file, and the comment notices of a user.
const subscribeScope = "docs:event:subscribe"

// lookupWorkers is how many events of one consumer may be looked up at once.
const lookupWorkers = 4

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	return slices.Concat(fileKeys(), memberKeys(), []eventcore.KeyDefinition{recordsKey(), fieldsKey(), commentKey()})
}
