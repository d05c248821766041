package keys

import (
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/curated"
	"github.com/larkevents/lark-events-mcp/keys/native"
)

// All returns the definitions of all keys: those written by hand, and a native one for every other event type of the
// SDK.
func All() []eventcore.KeyDefinition {
	return slices.Concat(curated.Keys(), native.Keys())
}

// Register adds every key that is not in the registry yet, and describes the domains; calling it again changes
// nothing. It panics on a definition that breaks the contract of [eventcore.RegisterKey]. It must not be called from
// several goroutines at once.
func Register() {
	for _, def := range All() {
		if _, ok := eventcore.Lookup(def.Key); !ok {
			eventcore.RegisterKey(def)
		}
	}
	for name, description := range domains() {
		eventcore.DescribeDomain(name, description)
	}
}
