package jq_test

import (
	"errors"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

// Whatever the expression is, it is refused, runs, or is stopped, and soon; one that runs in this process is not slower
// than one that is stopped, and gives what it gives in the sandbox.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`.text == "hello"`, `.list[] | select(. > 1)`, `any(.list[]; . == 2)`, `.text | test("^h.*o$"; "i")`, `.deep.a.b[0].c?`,
		`if .n == 2 then true elif .n then 1 else false end`, `.. | strings`, `try error("x") catch .`, `.n == 1e999999999`, `-1e-999999999`,
		`"x" * 1e9`, `reduce range(60) as $i ("x"; . + .)`, `def f: f; f`, `.list[400000000] = 1`, `@base64 "\(.text)"`, `limit(3; repeat(1))`,
		`. as [$a, {b: $c}] ?// $a | $a`, `label $out | 1, break $out`, `path(..)`, `.list |= map(. + 1)`, `$__loc__`, `input`, `.text[1:][:1]`,
		`.n as $x | [$x, $x] | tojson | fromjson`, `"a,b" | splits(",")`, `now | todate`, `[.list[] | {a: .}] | group_by(.a)`, `.["a","b"]`, `.text.x`,
	} {
		f.Add(seed)
	}
	s := newSandbox(f)
	f.Fuzz(func(t *testing.T, expression string) {
		began := time.Now()
		program, err := s.Compile(expression)
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return
		}
		isTrue, err := program.True(t.Context(), event)
		took := time.Since(began)
		if took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		direct, compileErr := jq.Compile(expression)
		if compileErr != nil {
			t.Fatalf("it compiles in a sandbox only: %v", compileErr)
		}
		if !jq.IsPlain(expression) {
			return
		}
		if errors.Is(err, jq.ErrTimeout) && took > 5*time.Second {
			t.Errorf("it needs a sandbox: it took %s", took)
		}
		boxed, boxedErr := s.CompileBoxed(direct).True(t.Context(), event)
		if !errors.Is(err, jq.ErrTimeout) && (boxed != isTrue || (err == nil) != (boxedErr == nil)) {
			t.Errorf("%v, %v here, but %v, %v in the sandbox", isTrue, err, boxed, boxedErr)
		}
	})
}
