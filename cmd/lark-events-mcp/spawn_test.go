package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhyABusEndedIsItsOwnLastComplaint(t *testing.T) {
	const earlier = "lark-events-mcp: what the bus before said\n"
	for name, test := range map[string]struct{ log, want string }{
		"a failure":                 {"time=1 level=INFO msg=x\nlark-events-mcp: no room\n", "no room"},
		"a failure and what to run": {"lark-events-mcp: unknown flag: --new\nrun lark-events-mcp --help\n", "unknown flag: --new"},
		"no complaint":              {"time=1 level=INFO msg=x\nit fell over\n", "it fell over"},
		"nothing":                   {"", "it did not say why"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bus.log")
			if err := os.WriteFile(path, []byte(earlier+test.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := complaint(path, int64(len(earlier))); got != test.want {
				t.Errorf("the bus ended because of %q, want %q", got, test.want)
			}
		})
	}
}
