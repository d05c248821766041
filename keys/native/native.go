// Package native has a key for every event type of the Lark SDK that nobody has curated: its subscriber gets the
// platform's envelope as it came.
//
// It is generated (go generate in package keys) but for this file: the types are those of keys/internal/platform, the
// words are in tables, one for each domain. It runs no hook, and subscribes to nothing on the platform. Package keys calls
// it.
package native

import "embed"

//go:embed examples
var examples embed.FS
