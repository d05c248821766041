package eventcore

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/schemas"
)

type payload struct {
	ChatID string `json:"chat_id"`
}

// valid is a definition that keeps every rule.
func valid() KeyDefinition {
	return KeyDefinition{
		Key: "t.valid", EventType: "t.valid_v1",
		Schema: SchemaDef{Native: &SchemaSpec{Type: reflect.TypeFor[payload]()}},
		Params: []ParamDef{
			{Name: "mode", Type: ParamEnum, Description: "how", Values: []ParamValue{{"a", "first"}, {"b", "second"}}, Default: "a"},
		},
	}
}

func TestRegisterKeyNamesKeyAndRule(t *testing.T) {
	process := func(context.Context, APIClient, *RawEvent, map[string]string) (json.RawMessage, error) {
		return nil, nil
	}
	cases := map[string]struct {
		change func(*KeyDefinition)
		rule   string
	}{
		"no key":               {func(d *KeyDefinition) { d.Key = "" }, "no Key"},
		"no event type":        {func(d *KeyDefinition) { d.EventType = "" }, "no EventType"},
		"no schema":            {func(d *KeyDefinition) { d.Schema = SchemaDef{} }, "exactly one of Native and Custom"},
		"two schemas":          {func(d *KeyDefinition) { d.Schema.Custom = d.Schema.Native }, "exactly one of Native and Custom"},
		"neither type nor raw": {func(d *KeyDefinition) { d.Schema.Native = &SchemaSpec{} }, "exactly one of Type and Raw"},
		"type and raw":         {func(d *KeyDefinition) { d.Schema.Native.Raw = json.RawMessage(`{}`) }, "exactly one of Type and Raw"},
		"raw is no JSON":       {func(d *KeyDefinition) { d.Schema.Native = &SchemaSpec{Raw: json.RawMessage(`{`)} }, "not JSON"},
		"process with native":  {func(d *KeyDefinition) { d.Process = process }, "Process must be nil"},
		"enum without values":  {func(d *KeyDefinition) { d.Params[0].Values = nil }, "needs Values"},
		"multi without values": {func(d *KeyDefinition) { d.Params[0].Type, d.Params[0].Values = ParamMulti, nil }, "needs Values"},
		"value without desc":   {func(d *KeyDefinition) { d.Params[0].Values[1].Desc = "" }, `"b" has no Desc`},
		"default not allowed":  {func(d *KeyDefinition) { d.Params[0].Default = "z" }, "Default"},
		"unknown param type":   {func(d *KeyDefinition) { d.Params[0].Type = "float" }, "unknown Type"},
		"param twice":          {func(d *KeyDefinition) { d.Params = append(d.Params, d.Params[0]) }, "defined twice"},
		"override hits nothing": {func(d *KeyDefinition) {
			d.Schema.FieldOverrides = map[string]schemas.FieldMeta{"/event/nope": {Kind: "chat_id"}}
		}, "/event/nope"},
		"buffer too large":   {func(d *KeyDefinition) { d.BufferSize = MaxBufferSize + 1 }, "BufferSize"},
		"unknown identity":   {func(d *KeyDefinition) { d.AuthTypes = []string{"admin"} }, "AuthTypes"},
		"example is no JSON": {func(d *KeyDefinition) { d.Example = json.RawMessage(`{`) }, "Example"},
		"any without param":  {func(d *KeyDefinition) { d.EventType = AnyEventType }, EventTypeParam},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			def := valid()
			test.change(&def)
			defer func() {
				message := fmt.Sprint(recover())
				if !strings.Contains(message, test.rule) || !strings.Contains(message, fmt.Sprintf("%q", def.Key)) {
					t.Errorf("panicked with %q, want the key %q and %q", message, def.Key, test.rule)
				}
				UnregisterKeyForTest(def.Key)
			}()
			RegisterKey(def)
		})
	}
}

func TestRegisterKeyRefusesADuplicate(t *testing.T) {
	RegisterKey(valid())
	defer UnregisterKeyForTest("t.valid")
	defer func() {
		if message := fmt.Sprint(recover()); !strings.Contains(message, "registered already") {
			t.Errorf("panicked with %q", message)
		}
	}()
	RegisterKey(valid())
}

func TestTheRegistryIsSortedAndFindsKeys(t *testing.T) {
	for _, key := range []string{"t.c", "t.a", "t.b"} {
		def := valid()
		def.Key = key
		RegisterKey(def)
		defer UnregisterKeyForTest(key)
	}
	var keys []string
	for _, def := range ListAll() {
		keys = append(keys, def.Key)
	}
	if !slices.Equal(keys, []string{"t.a", "t.b", "t.c"}) {
		t.Errorf("listed %v", keys)
	}
	if def, ok := Lookup("t.b"); !ok || def.Domain() != "t" {
		t.Errorf("looked up %+v, %t", def, ok)
	}
	if _, ok := Lookup("t.d"); ok {
		t.Error("found a key that is not there")
	}
}

func TestUnknownKeySuggestsTheNearest(t *testing.T) {
	for _, key := range []string{"im.message.receive_v1", "im.message.message_read_v1", "im.chat.updated_v1", "vc.bot.meeting_ended_v1"} {
		def := valid()
		def.Key = key
		RegisterKey(def)
		defer UnregisterKeyForTest(key)
	}
	for typo, want := range map[string]string{
		"im.message.recieve_v1": "im.message.receive_v1",
		"message.receive":       "im.message.receive_v1",
		"im.chat.updated":       "im.chat.updated_v1",
		"IM.Message.Receive_V1": "im.message.receive_v1",
	} {
		if got := UnknownKey(typo).Suggestions; len(got) == 0 || got[0] != want {
			t.Errorf("%s: suggested %v, want %s first", typo, got, want)
		}
	}
	renamed := valid()
	renamed.Key, renamed.Keywords = "vc.bot.meeting_activity_v1", []string{"captions", "vc.bot.meeting_event_v1"}
	RegisterKey(renamed)
	defer UnregisterKeyForTest(renamed.Key)
	for _, name := range []string{"vc.bot.meeting_event_v1", "VC.bot.meeting_event_v1"} {
		if got := UnknownKey(name).Suggestions; len(got) == 0 || got[0] != renamed.Key {
			t.Errorf("%s: suggested %v, want the key that has it as a keyword first", name, got)
		}
	}
	if got := UnknownKey(strings.Repeat("x", 100_000)); len(got.Suggestions) != 0 || len(got.Message) > 500 {
		t.Errorf("nonsense: suggested %v in a message of %d bytes", got.Suggestions, len(got.Message))
	}
}
