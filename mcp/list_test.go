package mcp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// manyKeys registers as many keys as the platform has event types, in as many domains, described at length.
func manyKeys(t *testing.T) int {
	t.Helper()
	const keys, domains = 220, 32
	for n := range keys {
		name := fmt.Sprintf("domain_%02d.some_resource.event_number_%d_happened_v1", n%domains, n)
		registerKeys(t, eventcore.KeyDefinition{
			Key: name, EventType: name, DisplayName: fmt.Sprintf("Event number %d of a resource", n),
			Description: strings.Repeat("A long description \"with quotes\" goes on and on ", 20),
			AuthTypes:   []string{"bot", "user"},
			Params:      []eventcore.ParamDef{{Name: "resource_id", Type: eventcore.ParamString, Description: "which"}},
			Schema:      eventcore.SchemaDef{Native: &eventcore.SchemaSpec{Raw: json.RawMessage(`{}`)}},
		})
	}
	registerKeys(t, messageDefinition(), eventcore.KeyDefinition{
		Key: "im.message.receive_v1", EventType: "im.message.receive_v1", DisplayName: "Message received",
		Schema: eventcore.SchemaDef{Native: &eventcore.SchemaSpec{Raw: json.RawMessage(`{}`)}},
	})
	return keys + 2
}

func TestListingWithoutAQuestionIsSmallAndHasAllDomains(t *testing.T) {
	all := manyKeys(t)
	c := serve(t, newFakeConsumer()).listen().initialize()
	answer := c.request("tools/call", toolCall("list_event_keys", map[string]any{}))
	if n := len(answer.Result); n > 8<<10 {
		t.Errorf("the answer has %d bytes, more than 8 KB", n)
	}
	page := decode[keyPage](t, decode[toolAnswer](t, answer.Result).StructuredContent)
	total := 0
	for _, domain := range page.Domains {
		total += domain.Keys
	}
	if total != all || len(page.Domains) != 34 {
		t.Errorf("%d domains with %d keys, want 34 with %d", len(page.Domains), total, all)
	}
	if len(page.Keys) < 3 || page.Keys[0].Key != "im.message.receive_v1" {
		t.Errorf("%d keys, the first %v; want a few, im.message.receive_v1 first", len(page.Keys), page.Keys[:1])
	}
	c.end()
}

func TestPagesHaveEachKeyOnce(t *testing.T) {
	all := manyKeys(t)
	c := serve(t, newFakeConsumer()).listen().initialize()
	for name, question := range map[string]map[string]any{
		"nothing": {}, "limit": {"limit": 7}, "query": {"query": "a long resource", "limit": 100}, "domain": {"domain": "domain_03", "limit": 3},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]int{"nothing": all, "limit": all, "query": 220, "domain": 7}[name]
			seen := map[string]bool{}
			for cursor := ""; ; {
				args := map[string]any{"cursor": cursor}
				for k, v := range question {
					args[k] = v
				}
				page := decode[keyPage](t, c.tool("list_event_keys", args))
				for _, key := range page.Keys {
					if seen[key.Key] {
						t.Fatalf("%s is listed twice", key.Key)
					}
					seen[key.Key] = true
				}
				if cursor = page.NextCursor; cursor == "" {
					break
				}
			}
			if len(seen) != want {
				t.Errorf("%d keys, want %d", len(seen), want)
			}
		})
	}
	page := decode[keyPage](t, c.tool("list_event_keys", map[string]any{"query": "event"}))
	if e := c.toolError("list_event_keys", map[string]any{"query": "other", "cursor": page.NextCursor}); e["code"] != "invalid_cursor" {
		t.Errorf("the cursor of another question: %v", e)
	}
	c.end()
}
