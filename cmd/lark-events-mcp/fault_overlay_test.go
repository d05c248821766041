//go:build unix

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The variables that make another version of the binary: which protocol it speaks, and, if not empty, that it lacks what
// came to the protocol without a new version.
const (
	envProtocol = "LARK_TEST_PROTOCOL"
	envOlder    = "LARK_TEST_OLDER"
)

// otherSource is the file that says what other versions are like.
const otherSource = `package protocol

import (
	"os"
	"strconv"
)

var (
	Version, _ = strconv.Atoi(os.Getenv("` + envProtocol + `"))
	Older      = os.Getenv("` + envOlder + `") != ""
)

func Capabilities() []string {
	if Older {
		return nil
	}
	return []string{CapabilityRetry}
}
`

// otherEdits are what makes the rest of the source ask that file.
var otherEdits = []struct{ file, old, new string }{
	{"eventcore/protocol/message.go", "const Version = 1\n", "\n"},
	{"eventcore/bus/conn.go", "Capabilities: []string{protocol.CapabilityRetry}", "Capabilities: protocol.Capabilities()"},
	{"eventcore/bus/handle.go", "case req.Retry != nil:", "case req.Retry != nil && !protocol.Older:"},
	{"eventcore/consume/link.go", "if !slices.Contains(l.welcome.Capabilities, protocol.CapabilityRetry) {",
		"if protocol.Older || !slices.Contains(l.welcome.Capabilities, protocol.CapabilityRetry) {"},
}

// buildOther builds the binary from edited copies of its source, and returns its path.
func buildOther(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	write := func(file, text string) {
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = path
	}
	for _, edit := range otherEdits {
		text, err := os.ReadFile(filepath.Join(root, edit.file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), edit.old) != 1 {
			t.Fatalf("%s has not exactly one %q: mend the table of edits", edit.file, edit.old)
		}
		write(edit.file, strings.Replace(string(text), edit.old, edit.new, 1))
	}
	write("eventcore/protocol/other.go", otherSource)
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "lark-events-mcp")
	args := append([]string{"build", "-overlay", list, "-o", other}, raceFlags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("build another version: %v\n%s", err, out)
	}
	return other
}
