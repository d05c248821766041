package jq_test

import (
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

func BenchmarkTrue(b *testing.B) {
	for name, sandbox := range map[string]*jq.Sandbox{"here": nil, "sandbox": newSandbox(b)} {
		b.Run(name, func(b *testing.B) {
			program, err := sandbox.Compile(`[.list[] | . * 2] == [2, 4, 6]`)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if ok, err := program.True(b.Context(), event); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
