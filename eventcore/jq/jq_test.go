package jq_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		if err := jq.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestEveryOutputCanBeWritten(t *testing.T) {
	for expression, want := range map[string]string{
		"nan":              "null",
		"[nan, {a: nan}]":  `[null,{"a":null}]`,
		"infinite":         "1.7976931348623157e+308",
		"-infinite":        "-1.7976931348623157e+308",
		".id":              "7123456789012345678901",
		".id + 1":          "7123456789012345678902",
		".text":            `"<b> & \n"`,
		"{b: 1, a: false}": `{"a":false,"b":1}`,
	} {
		program, err := jq.Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		err = program.Outputs(t.Context(), json.RawMessage(`{"id":7123456789012345678901,"text":"<b> & \n"}`), nil, func(output jq.Output) bool {
			got = output.JSON
			return true
		})
		if err != nil || string(got) != want {
			t.Errorf("%s is written as %s, %v; want %s", expression, got, err, want)
		}
	}
}
