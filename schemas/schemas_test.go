package schemas

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// task is a type as our own packages write them: everything the tags can say.
type task struct {
	audit
	ID       string           `json:"task_id" kind:"task_id" desc:"the task"`
	State    string           `json:"state" enum:"open,closed" desc:"where it stands"`
	Priority int              `json:"priority,omitempty" enum:"1,2,3"`
	Owners   []string         `json:"owners" kind:"open_id" desc:"who does it"`
	Parent   *task            `json:"parent,omitempty" desc:"the task above"`
	Steps    []step2          `json:"steps,omitempty"`
	Labels   map[string]label `json:"labels,omitempty"`
	Extra    json.RawMessage  `json:"extra,omitempty" desc:"whatever the app stored"`
	Any      any              `json:"any,omitempty"`
	Due      time.Time        `json:"due,omitzero"`
	Ranks    map[int]string   `json:"ranks,omitempty"`
	Meta     map[string]any   `json:"meta,omitempty"`
	Blob     []byte           `json:"blob,omitempty"`
	Tree     tree             `json:"tree,omitempty"`
	Matrix   [][]label        `json:"matrix,omitempty"`
	Secret   string           `json:"-"`
	//lint:ignore U1000 a field that JSON does not see
	private string
	Odd     map[string]string `json:"a/b~c,omitempty" desc:"a <name> that needs escapes & more"`
}

type audit struct {
	CreatedBy string `json:"created_by" kind:"open_id"`
}

type step2 struct {
	Text string `json:"text" desc:"what to do"`
}

type label struct {
	Name string `json:"name"`
}

// tree contains itself without a struct in between.
type tree map[string]tree

// nativeEvent is a type as the SDK writes them.
type nativeEvent struct {
	ChatID   *string   `json:"chat_id,omitempty"`
	External *bool     `json:"external"`
	Operator *userID   `json:"operator_id,omitempty"`
	Users    []*member `json:"users,omitempty"`
}

type userID struct {
	OpenID *string `json:"open_id,omitempty"`
	UserID *string `json:"user_id,omitempty"`
}

type member struct {
	Name *string `json:"name,omitempty"`
	ID   *userID `json:"user_id,omitempty"`
}

var nativeSource = Source{
	Type: reflect.TypeFor[nativeEvent](), EnvelopeOf: "im.chat.member.user.added_v1",
	Overrides: map[string]FieldMeta{
		"/header/tenant_key":             {Description: "the company"},
		"/event/chat_id":                 {Kind: "chat_id", Description: "the group"},
		"/event/users/*/user_id/open_id": {Kind: "open_id"},
		"/event/users/*/name":            {Enum: []string{"Ada", "Bob"}},
	},
}

var rawSource = Source{
	Raw: json.RawMessage(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","x-order":1.50,
		"properties":{"zeta":{"type":"string"},"alpha":{"type":"array","items":true},"map":{"type":"object",
		"additionalProperties":{"type":"integer"}}},"additionalProperties":true}`),
	Overrides: map[string]FieldMeta{
		"/zeta": {Description: "first stays first"}, "/alpha/*": {Kind: "open_id"}, "/map/*": {Description: "a count"},
	},
}

func TestPayloadGolden(t *testing.T) {
	tests := map[string]Source{
		"own_type":       {Type: reflect.TypeFor[task]()},
		"native_type":    nativeSource,
		"raw":            rawSource,
		"raw_enveloped":  {Raw: json.RawMessage(`{"type":"object"}`), EnvelopeOf: "approval_instance"},
		"any_event_type": {Raw: json.RawMessage(`true`), EnvelopeOf: "*"},
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Payload(src)
			if err != nil {
				t.Fatal(err)
			}
			compile(t, got)
			compareGolden(t, "payload_"+name, got)
			again, err := Payload(src)
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("the second schema differs from the first (err %v)", err)
			}
		})
	}
}

func TestPayloadAcceptsWhatThePlatformSends(t *testing.T) {
	raw, err := Payload(nativeSource)
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, raw)
	header := `"schema":"2.0","header":{"event_id":"e1","create_time":"1700000000000","event_type":"im.chat.member.user.added_v1","new":1}`
	tests := []struct {
		name, payload string
		valid         bool
	}{
		{"members that are null, missing or new", `{` + header + `,"event":{"operator_id":{"open_id":"ou_1","user_id":null},"users":[{"name":null}],"more":{}}}`, true},
		{"null in place of an object", `{` + header + `,"event":{"operator_id":null}}`, true},
		{"a member of another type", `{` + header + `,"event":{"chat_id":1}}`, false},
		{"a value outside of the enum", `{` + header + `,"event":{"users":[{"name":"Eve"}]}}`, false},
		{"no event", `{` + header + `}`, false},
		{"another event type", `{"schema":"2.0","header":{"event_id":"e","create_time":"1","event_type":"x"},"event":{}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := schema.Validate(decodeAny(t, []byte(tt.payload)))
			if (err == nil) != tt.valid {
				t.Errorf("valid = %v, want %v (%v)", err == nil, tt.valid, err)
			}
		})
	}
}

func TestRequiredFollowsOmitempty(t *testing.T) {
	raw, err := Payload(Source{Type: reflect.TypeFor[task]()})
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, raw)
	if err := schema.Validate(decodeAny(t, []byte(`{"created_by":"ou_1","task_id":"t","state":"open","owners":[]}`))); err != nil {
		t.Errorf("the required members alone are refused: %v", err)
	}
	if schema.Validate(decodeAny(t, []byte(`{"created_by":"ou_1","task_id":"t","owners":[]}`))) == nil {
		t.Error("a missing required member is accepted")
	}
}

func TestPayloadErrors(t *testing.T) {
	type badEnum struct {
		Flag bool `json:"flag" enum:"true,false"`
	}
	type badInt struct {
		N int `json:"n" enum:"one"`
	}
	tests := map[string]struct {
		src  Source
		want string
	}{
		"neither":          {Source{}, "a payload schema needs exactly one of a type and a raw schema"},
		"both":             {Source{Type: reflect.TypeFor[task](), Raw: json.RawMessage(`{}`)}, "a payload schema needs exactly one of a type and a raw schema"},
		"a raw list":       {Source{Raw: json.RawMessage(`[]`)}, "read raw schema: it is not a JSON object"},
		"a raw false":      {Source{Raw: json.RawMessage(`false`)}, "read raw schema: it is not a JSON object"},
		"raw, cut short":   {Source{Raw: json.RawMessage(`{"a":`)}, "read raw schema: unexpected EOF"},
		"raw, two values":  {Source{Raw: json.RawMessage(`{} {}`)}, "read raw schema: there is more after the value"},
		"an enum of bools": {Source{Type: reflect.TypeFor[badEnum]()}, `reflect schemas.badEnum: field flag: enum on a field of type "boolean", must be a string or an integer`},
		"a word as int":    {Source{Type: reflect.TypeFor[badInt]()}, `reflect schemas.badInt: field n: enum value "one" is no integer`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Payload(tt.src); err == nil || err.Error() != tt.want {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

func compile(t *testing.T, raw json.RawMessage) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler() // compiling validates against the metaschema that $schema names
	if err := compiler.AddResource("schema.json", decodeAny(t, raw)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	if schema.DraftVersion != 2020 {
		t.Fatalf("draft %d, want 2020", schema.DraftVersion)
	}
	return schema
}

func decodeAny(t *testing.T, raw []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return value
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, indented.Bytes()) {
		t.Errorf("%s differs; run go test -update and look at the diff\n%s", path, indented.Bytes())
	}
}
