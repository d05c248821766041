package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestTheBaselineHasTheSameLibraries keeps the comparison fair when a version is raised.
func TestTheBaselineHasTheSameLibraries(t *testing.T) {
	for _, library := range []string{
		"github.com/larksuite/oapi-sdk-go/v3", "github.com/mark3labs/mcp-go", "github.com/gorilla/websocket",
	} {
		ours, theirs := required(t, filepath.Join("..", ".."), library), required(t, "baseline", library)
		if ours != theirs {
			t.Errorf("%s: the baseline has %s, the module %s; run go get in cmd/lark-events-bench/baseline", library, theirs, ours)
		}
	}
}

// required is the version of a library in the go.mod of dir.
func required(t *testing.T, dir, library string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(library) + ` (\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s/go.mod requires no %s", dir, library)
	}
	return string(found[1])
}
