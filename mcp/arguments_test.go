package mcp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// Some clients put what is no string into one, whatever the schema says.
func TestANumberOrAnObjectInAStringIsTaken(t *testing.T) {
	accepted := []argument{{name: "key", kind: kindText}, {name: "n", kind: kindInteger, min: 1, max: 9}, {name: "params", kind: kindObject}}
	args, err := decodeModelArguments(accepted, json.RawMessage(`{"key":"5","n":" 5","params":"{\"chat\": \"p2p\", \"id\": 12345678901234567890}"}`))
	if err != nil || args.text("key") != "5" || args.integer("n") != 5 {
		t.Errorf("key %q, n %d, %v", args.text("key"), args.integer("n"), err)
	}
	if p := args.object("params"); p["chat"] != "p2p" || p["id"] != json.Number("12345678901234567890") {
		t.Errorf("params %v", p)
	}
}

func TestDecodeArguments(t *testing.T) {
	accepted := []argument{
		{name: "key", kind: kindText, required: true, maxText: 8},
		{name: "n", kind: kindInteger, min: 1, max: 9, fallback: 3},
		{name: "params", kind: kindObject},
		{name: "mode", kind: kindText, values: []eventcore.ParamValue{{Value: "a", Desc: "the a"}, {Value: "b", Desc: "the b"}}},
	}
	tests := []struct {
		name, raw string
		param     string // at fault; empty: all is well
		says      string
	}{
		{"all", `{"key":"k","n":9,"params":{"x":1},"mode":"b"}`, "", ""},
		{"null in strings is left out", `{"key":"k","n":" null","params":"null"}`, "", ""},
		{"null is left out", `{"key":"k","n":null,"params":null}`, "", ""},
		{"whole numbers in any notation", `{"key":"k","n":5.0}`, "", ""},
		{"missing", `{}`, "key", "is required"},
		{"nothing at all", ``, "key", "is required"},
		{"null for a required one", `{"key":null}`, "key", "is required"},
		{"unknown", `{"key":"k","N":1}`, "N", "is not known"},
		{"not a string", `{"key":["k"]}`, "key", `must be a string, not ["k"]`},
		{"too long", `{"key":"123456789"}`, "key", "9 bytes long, at most 8"},
		{"no number in a string", `{"key":"k","n":"five"}`, "n", `from 1 to 9, not "five", a string`},
		{"a number in strings", `{"key":"k","n":"\"5\""}`, "n", `from 1 to 9, not "5", a string`},
		{"a number that is too large in a string", `{"key":"k","n":"10"}`, "n", "from 1 to 9, not 10"},
		{"no object in a string", `{"key":"k","params":"{"}`, "params", `must be an object, not "{"`},
		{"another value in a string", `{"key":"k","params":"5"}`, "params", "must be an object, not 5"},
		{"a fraction", `{"key":"k","n":1.5}`, "n", "whole number"},
		{"too large", `{"key":"k","n":10}`, "n", "from 1 to 9, not 10"},
		{"far too large", `{"key":"k","n":1e300}`, "n", "from 1 to 9"},
		{"a bool", `{"key":"k","n":true}`, "n", "not true"},
		{"not an object", `{"key":"k","params":[1]}`, "params", "must be an object, not [1]"},
		{"not among the values", `{"key":"k","mode":"c"}`, "mode", `one of a, b, not "c"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeModelArguments(accepted, json.RawMessage(test.raw))
			if test.param == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			e := eventcore.AsError(err)
			if e.Code != eventcore.CodeInvalidParams || e.Param != test.param || !strings.Contains(e.Message, test.says) {
				t.Errorf("got %+v, want invalid_params for %s saying %q", e, test.param, test.says)
			}
		})
	}
	decoded, err := decodeArguments(accepted, json.RawMessage(`{"key":"k","params":{"id":9007199254740993}}`))
	if err != nil {
		t.Fatal(err)
	}
	if id := decoded.object("params")["id"]; id != json.Number("9007199254740993") {
		t.Errorf("a large number became %v", id)
	}
	if n := decoded.integer("n"); n != 3 || decoded.has("n") {
		t.Errorf("left out, n is %d and given: %v", n, decoded.has("n"))
	}
}
