package schemas

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// selfEmbedded is legal Go, and has no finite list of members.
type selfEmbedded struct {
	//lint:ignore U1000 read by reflection
	*selfEmbedded
	Name string `json:"name"`
}

type holder struct {
	Inner selfEmbedded `json:"inner"`
}

// CheckOverrides walks Go types and Payload walks schemas: each pointer must have the same fate in both.
func TestCheckOverridesAgreesWithPayload(t *testing.T) {
	own := Source{Type: reflect.TypeFor[task]()}
	native := Source{Type: reflect.TypeFor[nativeEvent](), EnvelopeOf: "e"}
	raw := Source{Raw: rawSource.Raw}
	rawEnveloped := Source{Raw: rawSource.Raw, EnvelopeOf: "e"}
	tests := []struct {
		src     Source
		pointer string
		hit     bool
	}{
		{own, "", true},
		{own, "/created_by", true},
		{own, "/owners", true},
		{own, "/owners/*", true},
		{own, "/owners/0", false},
		{own, "/owners/*/x", false},
		{own, "/parent", true},
		{own, "/parent/task_id", false}, // cut: the type contains itself
		{own, "/steps/*/text", true},
		{own, "/steps/text", false},
		{own, "/labels/*", true},
		{own, "/labels/*/name", true},
		{own, "/labels/name", false},
		{own, "/extra", true},
		{own, "/extra/x", false},
		{own, "/any", true},
		{own, "/any/*", false},
		{own, "/due", true},
		{own, "/due/wall", false},
		{own, "/ranks/*", true},
		{own, "/meta", true},
		{own, "/meta/*", false},
		{own, "/blob", true},
		{own, "/blob/*", false},
		{own, "/tree", true},
		{own, "/tree/*", true},
		{own, "/tree/*/*", false},
		{own, "/matrix/*/*/name", true},
		{own, "/matrix/*/name", false},
		{own, "/a~1b~0c", true},
		{own, "/a/b~0c", false},
		{own, "/Secret", false},
		{own, "/private", false},
		{own, "/-", false},
		{own, "created_by", false},
		{own, "/", false},
		{own, "/event", false},
		{native, "/schema", true},
		{native, "/header/event_id", true},
		{native, "/header/token", false},
		{native, "/event", true},
		{native, "/event/chat_id", true},
		{native, "/chat_id", false},
		{native, "/event/users/*/user_id/open_id", true},
		{native, "/event/users/*/open_id", false},
		{raw, "/zeta", true},
		{raw, "/alpha/*", true},
		{raw, "/map/*", true},
		{raw, "/*", true}, // additionalProperties is a schema too
		{raw, "/map/x", false},
		{rawEnveloped, "/event/zeta", true},
		{rawEnveloped, "/zeta", false},
		{Source{Type: reflect.TypeFor[holder]()}, "/inner", true},
		{Source{Type: reflect.TypeFor[holder]()}, "/inner/name", false},
	}
	for _, tt := range tests {
		src := tt.src
		src.Overrides = map[string]FieldMeta{tt.pointer: {Description: "marked here"}}
		checkErr := CheckOverrides(src)
		schema, payloadErr := Payload(src)
		if (checkErr == nil) != tt.hit || (payloadErr == nil) != tt.hit {
			t.Errorf("%q: CheckOverrides %v, Payload %v, want a hit: %v", tt.pointer, checkErr, payloadErr, tt.hit)
			continue
		}
		if !tt.hit {
			if checkErr.Error() != payloadErr.Error() || !strings.Contains(checkErr.Error(), tt.pointer) {
				t.Errorf("%q: errors %q and %q must be the same and name the pointer", tt.pointer, checkErr, payloadErr)
			}
			continue
		}
		if !strings.Contains(string(schema), "marked here") {
			t.Errorf("%q: the override is not in the schema", tt.pointer)
		}
		compile(t, schema)
	}
}

func TestFirstMissIsNamed(t *testing.T) {
	src := Source{Type: reflect.TypeFor[step2](), Overrides: map[string]FieldMeta{"/text": {}, "/b": {}, "/a": {}}}
	want := `override "/a" points at no field of the payload`
	for range 20 {
		if err := CheckOverrides(src); err == nil || err.Error() != want {
			t.Fatalf("error = %v, want %s", err, want)
		}
	}
}

func TestRawErrorsAreFoundByCheckOverrides(t *testing.T) {
	src := Source{Raw: json.RawMessage(`[]`), Overrides: map[string]FieldMeta{"/a": {}}}
	if err := CheckOverrides(src); err == nil {
		t.Error("a raw schema that cannot be read is accepted")
	}
}
