package eventcore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/larkevents/lark-events-mcp/schemas"
)

// entry is a registered key with its schemas, each computed at first use.
type entry struct {
	def     *KeyDefinition
	payload func() (json.RawMessage, error)
	params  func() (json.RawMessage, error)
}

var registry = struct {
	sync.RWMutex
	entries map[string]*entry
	domains map[string]string // descriptions
}{entries: map[string]*entry{}, domains: map[string]string{}}

// RegisterKey adds a key to the registry. It panics, with the key and the rule in the message, on a duplicate key
// and on a definition that breaks the contract of [KeyDefinition]. It may be called from many goroutines at once.
func RegisterKey(def KeyDefinition) {
	if err := CheckKey(&def); err != nil {
		panic(fmt.Sprintf("eventcore: register key %q: %v", def.Key, err))
	}
	e := &entry{def: &def}
	e.payload = sync.OnceValues(func() (json.RawMessage, error) { return SchemaOf(&def) })
	e.params = sync.OnceValues(func() (json.RawMessage, error) { return schemas.Params(def.paramFields()) })

	registry.Lock()
	defer registry.Unlock()
	if _, ok := registry.entries[def.Key]; ok {
		panic(fmt.Sprintf("eventcore: register key %q: the key is registered already", def.Key))
	}
	registry.entries[def.Key] = e
}

// DescribeDomain says in one line what the keys of a domain are about. It may be called from many goroutines at once.
func DescribeDomain(name, description string) {
	registry.Lock()
	defer registry.Unlock()
	registry.domains[name] = description
}

// DomainDescription returns what a domain's keys are about, empty if nobody has said.
func DomainDescription(name string) string {
	registry.RLock()
	defer registry.RUnlock()
	return registry.domains[name]
}

// Lookup returns the definition of a key. The caller must not change it.
func Lookup(key string) (*KeyDefinition, bool) {
	e, ok := lookup(key)
	if !ok {
		return nil, false
	}
	return e.def, true
}

// ListAll returns all definitions, sorted by key. The caller must not change them.
func ListAll() []*KeyDefinition {
	registry.RLock()
	defer registry.RUnlock()
	defs := make([]*KeyDefinition, 0, len(registry.entries))
	for _, e := range registry.entries {
		defs = append(defs, e.def)
	}
	slices.SortFunc(defs, func(a, b *KeyDefinition) int { return strings.Compare(a.Key, b.Key) })
	return defs
}

// PayloadSchema returns the JSON Schema of what a subscriber of the key gets, computed once. An unknown key is an
// [*Error] with [CodeUnknownKey].
func PayloadSchema(key string) (json.RawMessage, error) {
	e, ok := lookup(key)
	if !ok {
		return nil, UnknownKey(key)
	}
	return e.payload()
}

// SchemaOf returns the JSON Schema of what a subscriber of def gets, also of a key that is not registered.
func SchemaOf(def *KeyDefinition) (json.RawMessage, error) {
	return schemas.Payload(def.payloadSource())
}

// ParamsSchema returns the JSON Schema of the key's params as a model writes them, computed once. An unknown key
// is an [*Error] with [CodeUnknownKey].
func ParamsSchema(key string) (json.RawMessage, error) {
	e, ok := lookup(key)
	if !ok {
		return nil, UnknownKey(key)
	}
	return e.params()
}

// ResetRegistryForTest empties the registry.
func ResetRegistryForTest() {
	registry.Lock()
	defer registry.Unlock()
	clear(registry.entries)
	clear(registry.domains)
}

// UnregisterKeyForTest removes one key, for tests that add synthetic keys beside the real ones.
func UnregisterKeyForTest(key string) {
	registry.Lock()
	defer registry.Unlock()
	delete(registry.entries, key)
}

func lookup(key string) (*entry, bool) {
	registry.RLock()
	defer registry.RUnlock()
	e, ok := registry.entries[key]
	return e, ok
}

func (d *KeyDefinition) payloadSource() schemas.Source {
	spec, native := d.Schema.Custom, false
	if d.Schema.Native != nil {
		spec, native = d.Schema.Native, true
	}
	src := schemas.Source{Type: spec.Type, Raw: spec.Raw, Overrides: d.Schema.FieldOverrides}
	if native {
		src.EnvelopeOf = d.EventType
	}
	return src
}

func (d *KeyDefinition) paramFields() []schemas.Param {
	fields := make([]schemas.Param, len(d.Params))
	for i, p := range d.Params {
		fields[i] = schemas.Param{
			Name: p.Name, Type: string(p.Type), Required: p.Required, Default: p.Default, Description: p.Description,
		}
		for _, v := range p.Values {
			fields[i].Values = append(fields[i].Values, schemas.ParamValue(v))
		}
	}
	return fields
}
