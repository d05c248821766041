package keys

import (
	"maps"
	"slices"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
)

func TestTwoResourcesAreTwoSubscriptions(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	for key, one := range platformSubscriptions() {
		def, ok := eventcore.Lookup(key)
		if !ok {
			t.Fatalf("%s is no key", key)
		}
		perResource := slices.ContainsFunc(def.Params, func(p eventcore.ParamDef) bool { return p.SubscriptionKey })
		if perResource != (one.other != nil) {
			t.Errorf("%s: it is subscribed to for each resource: %t, another resource is known: %t", key, perResource, one.other != nil)
		}
		if one.other == nil {
			continue
		}
		t.Run(key, func(t *testing.T) {
			s, other := newSubscriptions(t, key, one), one.forOther()
			if other.on == one.on || other.off == one.off {
				t.Fatalf("the calls for the other resource are the same: %s, %s", other.on, other.off)
			}
			first, a := s.consumer()
			second, b := s.consumerOf(key, other.params)
			s.leave(second, b, consume.CleanupDone)
			s.leave(first, a, consume.CleanupDone)
			s.want(one.on, other.on, other.off, one.off)
		})
	}
}

// siblings are the keys that the platform is asked for by one and the same call, so that ending one would end the
// others: by that call, those that are not alone.
func siblings() map[string][]string {
	byCall := map[string][]string{}
	for key, s := range platformSubscriptions() {
		byCall[s.on] = append(byCall[s.on], key)
	}
	maps.DeleteFunc(byCall, func(_ string, keys []string) bool { return len(keys) == 1 })
	for _, keys := range byCall {
		slices.Sort(keys)
	}
	return byCall
}

func TestKeysOfOneCallShareTheSubscriptionToAResource(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	found, known := siblings(), platformSubscriptions()
	if len(found) < 3 {
		t.Errorf("keys that share a call: %v; want those of a document, of a Base and of a calendar's access", found)
	}
	for _, keys := range found {
		for i, key := range keys[1:] {
			t.Run(keys[i]+" and "+key, func(t *testing.T) {
				s := newSubscriptions(t, keys[i], known[keys[i]])
				first, a := s.consumer()
				second, b := s.consumerOf(key, s.params)
				s.leave(first, a, consume.CleanupNotLast)
				s.leave(second, b, consume.CleanupDone)
				s.want(s.on, s.off)
			})
		}
	}
}

func TestABaseIsOneSubscriptionWhicheverKeyListensToIt(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	const records, edits = "drive.file.bitable_record_changed_v1", "drive.file.edit_v1"
	s := newSubscriptions(t, records, platformSubscriptions()[records])
	first, a := s.consumer()
	second, b := s.consumerOf(edits, s.params)
	s.leave(first, a, consume.CleanupNotLast)
	s.leave(second, b, consume.CleanupDone)
	s.want(s.on, s.off)
}
