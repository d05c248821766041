package eventcore

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
)

func paramsDef() *KeyDefinition {
	values := []ParamValue{{"text", "plain words"}, {"image", "a picture"}, {"file", "a file"}}
	return &KeyDefinition{Key: "t.params", Params: []ParamDef{
		{Name: "name", Type: ParamString, Required: true, Description: "who"},
		{Name: "kind", Type: ParamEnum, Values: values, Default: "text", Description: "what"},
		{Name: "kinds", Type: ParamMulti, Values: values, Description: "which"},
		{Name: "loud", Type: ParamBool, Description: "how"},
		{Name: "count", Type: ParamInt, Description: "how many"},
	}}
}

func TestResolveParams(t *testing.T) {
	cases := map[string]struct {
		given string
		want  map[string]string
	}{
		"defaults":           {`{"name":"x"}`, map[string]string{"name": "x", "kind": "text"}},
		"typed":              {`{"name":"x","kind":"file","kinds":["file","text"],"loud":true,"count":7}`, map[string]string{"name": "x", "kind": "file", "kinds": "text,file", "loud": "true", "count": "7"}},
		"strings":            {`{"name":"x","kinds":"file, image","loud":"false","count":"-7"}`, map[string]string{"name": "x", "kind": "text", "kinds": "image,file", "loud": "false", "count": "-7"}},
		"null is left out":   {`{"name":"x","count":null}`, map[string]string{"name": "x", "kind": "text"}},
		"empty multi":        {`{"name":"x","kinds":[]}`, map[string]string{"name": "x", "kind": "text", "kinds": ""}},
		"large whole number": {`{"name":"x","count":9007199254740993}`, map[string]string{"name": "x", "kind": "text", "count": "9007199254740993"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ResolveParams(paramsDef(), decodeParams(t, test.given))
			if err != nil || !maps.Equal(got, test.want) {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestResolveParamsSaysWhatIsWrong(t *testing.T) {
	cases := map[string]struct{ given, param, says string }{
		"missing":          {`{}`, "name", "is required"},
		"empty":            {`{"name":""}`, "name", "is required"},
		"unknown":          {`{"name":"x","nmae":"y"}`, "nmae", "has no param"},
		"not among values": {`{"name":"x","kind":"video"}`, "kind", "not one of the allowed"},
		"one of several":   {`{"name":"x","kinds":["text","video"]}`, "kinds", `"video"`},
		"no string":        {`{"name":5}`, "name", "must be a string, not 5"},
		"no bool":          {`{"name":"x","loud":"maybe"}`, "loud", "true or false"},
		"no int":           {`{"name":"x","count":1.5}`, "count", "whole number, not 1.5"},
		"no list":          {`{"name":"x","kinds":5}`, "kinds", "list of strings"},
		"list of numbers":  {`{"name":"x","kinds":[5]}`, "kinds", "list of strings, but has 5"},
		"too long":         {`{"name":"` + strings.Repeat("x", 5000) + `"}`, "name", "at most 4096"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ResolveParams(paramsDef(), decodeParams(t, test.given))
			var e *Error
			if !errors.As(err, &e) || e.Code != CodeInvalidParams || e.Param != test.param || !strings.Contains(e.Message, test.says) {
				t.Fatalf("got %#v, want invalid_params of %s that says %q", err, test.param, test.says)
			}
			if test.param == "kind" && (len(e.Allowed) != 3 || !strings.Contains(e.Hint, "image (a picture)")) {
				t.Errorf("the allowed values are not told: %v, %s", e.Allowed, e.Hint)
			}
		})
	}
}

// Hooks and identities see one form of a value, whoever wrote it: a default is written by hand.
func TestDefaultsAreCanonical(t *testing.T) {
	values := []ParamValue{{"text", "plain words"}, {"image", "a picture"}}
	def := &KeyDefinition{Key: "t.defaults", Params: []ParamDef{
		{Name: "kinds", Type: ParamMulti, Values: values, Default: "image, text", Description: "which"},
		{Name: "loud", Type: ParamBool, Default: "1", Description: "how"},
		{Name: "count", Type: ParamInt, Default: "007", Description: "how many"},
	}}
	want := map[string]string{"kinds": "text,image", "loud": "true", "count": "7"}
	if got, err := ResolveParams(def, nil); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestTypedParamsIsTheInverse(t *testing.T) {
	given := map[string]any{"name": "x", "kind": "file", "kinds": []string{"text", "file"}, "loud": true, "count": int64(7)}
	resolved, err := ResolveParams(paramsDef(), given)
	if err != nil {
		t.Fatal(err)
	}
	resolved["internal"] = "not declared"
	if got := TypedParams(paramsDef(), resolved); !reflect.DeepEqual(got, given) {
		t.Errorf("got %v, want %v", got, given)
	}
}

func decodeParams(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var params map[string]any
	if err := decoder.Decode(&params); err != nil {
		t.Fatal(err)
	}
	return params
}
