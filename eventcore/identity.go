package eventcore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// SubscriptionIdentity names what the platform's own subscription is scoped to: the key or its group, and a hash of the
// resolved params marked SubscriptionKey. Consumers with the same identity share one PreConsume and one cleanup.
func SubscriptionIdentity(def *KeyDefinition, resolved map[string]string) string {
	hash := sha256.New()
	scoped := false
	for _, p := range def.Params {
		if !p.SubscriptionKey {
			continue
		}
		scoped = true
		// NUL cannot be part of a name, so that no two param sets hash alike.
		io.WriteString(hash, p.Name+"\x00"+resolved[p.Name]+"\x00")
	}
	name := cmp.Or(def.SubscriptionGroup, def.Key)
	if !scoped {
		return name
	}
	return name + "#" + hex.EncodeToString(hash.Sum(nil))[:16]
}
