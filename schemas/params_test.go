package schemas

import "testing"

func TestParamsGolden(t *testing.T) {
	colours := []ParamValue{{"red", "warm"}, {"blue", "cold & calm"}}
	tests := map[string][]Param{
		"none": nil,
		"all_types": {
			{Name: "chat_id", Type: "string", Required: true, Description: "which chat"},
			{Name: "greeting", Type: "string", Default: "hello", Description: "what to say"},
			{Name: "colour", Type: "enum", Default: "red", Description: "one colour", Values: colours},
			{Name: "colours", Type: "multi", Default: "red,blue", Description: "some colours", Values: colours},
			{Name: "loud", Type: "bool", Default: "false", Description: "whether to shout"},
			{Name: "times", Type: "int", Default: "9007199254740993", Description: "how often"},
			{Name: "limit", Type: "int", Required: true, Description: "how many"},
		},
	}
	for name, params := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Params(params)
			if err != nil {
				t.Fatal(err)
			}
			compile(t, got)
			compareGolden(t, "params_"+name, got)
		})
	}
}

func TestParamsSchemaAcceptsAndRefuses(t *testing.T) {
	raw, err := Params([]Param{
		{Name: "n", Type: "int", Description: "n", Required: true},
		{Name: "c", Type: "enum", Description: "c", Values: []ParamValue{{"red", "warm"}, {"blue", "cold"}}},
		{Name: "m", Type: "multi", Description: "m", Values: []ParamValue{{"red", "warm"}, {"blue", "cold"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, raw)
	tests := map[string]bool{
		`{"n":1}`:                    true,
		`{"n":1,"c":"red"}`:          true,
		`{"n":1,"m":["blue","red"]}`: true,
		`{"n":1,"m":[]}`:             true,
		`{}`:                         false,
		`{"n":"1"}`:                  false,
		`{"n":1,"c":"green"}`:        false,
		`{"n":1,"m":["green"]}`:      false,
		`{"n":1,"m":["red","red"]}`:  false,
		`{"n":1,"m":"red"}`:          false,
		`{"n":1,"other":1}`:          false,
	}
	for params, valid := range tests {
		if err := schema.Validate(decodeAny(t, []byte(params))); (err == nil) != valid {
			t.Errorf("%s: valid = %v, want %v (%v)", params, err == nil, valid, err)
		}
	}
}

func TestParamsErrors(t *testing.T) {
	red := []ParamValue{{"red", "warm"}}
	tests := map[string]struct {
		param Param
		want  string
	}{
		"type":  {Param{Name: "p", Type: "float"}, `param "p": unknown type "float"`},
		"bool":  {Param{Name: "p", Type: "bool", Default: "maybe"}, `param "p": default "maybe" is neither true nor false`},
		"int":   {Param{Name: "p", Type: "int", Default: "1.5"}, `param "p": default "1.5" is no whole number`},
		"enum":  {Param{Name: "p", Type: "enum", Default: "blue", Values: red}, `param "p": default "blue" is not among the values`},
		"multi": {Param{Name: "p", Type: "multi", Default: "red,blue", Values: red}, `param "p": default "blue" is not among the values`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Params([]Param{tt.param}); err == nil || err.Error() != tt.want {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}
