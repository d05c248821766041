package larkevents

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/larkevents/lark-events-mcp"

// layers is the import table of the design: a package may import those further down, never those further up.
// Packages of one row do not import each other. testutil is for tests and may import anything below keys.
var layers = [][]string{
	{"cmd/lark-events-mcp", "cmd/lark-events-bench"},
	{"mcp"},
	{"mcp/webhook"},
	{"keys/internal/eventdocs"},
	{"keys"},
	{"keys/native/gen"},
	{"keys/curated", "keys/native"},
	{
		"keys/anyevent", "keys/application", "keys/approval", "keys/board", "keys/calendar", "keys/card", "keys/contact",
		"keys/drive", "keys/im", "keys/mail", "keys/minutes", "keys/ownkeys", "keys/task", "keys/vc",
	},
	{"keys/internal/personal"},
	{"keys/im/content", "keys/internal/keydef", "keys/internal/keytest", "keys/internal/platform"},
	{"eventcore/testutil"},
	{"eventcore/consume", "eventcore/bus", "eventcore/busctl"},
	{"eventcore/busdiscover"},
	{"eventcore/transport"},
	{"eventcore/protocol"},
	{"eventcore/journal", "eventcore/openapi", "eventcore/source/lark", "eventcore/source/larksim"},
	{"eventcore/source", "eventcore/source/frame", "eventcore/statedir", "eventcore/keysearch", "eventcore/jq"},
	{"eventcore"},
	{"schemas", "eventcore/jsonscan"},
}

// reserved are the modules that only some packages may import, each with the packages (and all below them).
var reserved = map[string][]string{
	"github.com/larksuite/oapi-sdk-go/v3":                      {"eventcore/openapi"},
	"github.com/mark3labs/mcp-go":                              {"cmd", "mcp"},
	"github.com/prometheus/client_golang":                      {"mcp"},
	"github.com/spf13/cobra":                                   {"cmd"},
	"google.golang.org/protobuf":                               {"eventcore/source/frame"},
	"modernc.org/sqlite":                                       {"eventcore/journal"},
	"github.com/standard-webhooks/standard-webhooks/libraries": {"mcp/webhook"},
}

// imports returns what each package of the module imports, without tests.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		found[strings.TrimPrefix(strings.TrimPrefix(fields[0], module), "/")] = fields[1:]
	}
	return found
}

func TestImportsPointDown(t *testing.T) {
	layerOf := map[string]int{}
	for i, layer := range layers {
		for _, pkg := range layer {
			layerOf[pkg] = i
		}
	}
	for pkg, imported := range imports(t) {
		if pkg == "" {
			continue
		}
		from, known := layerOf[pkg]
		if !known {
			t.Errorf("%s has no place in the import table; give it one", pkg)
			continue
		}
		for _, path := range imported {
			below, ours := strings.CutPrefix(path, module+"/")
			if ours && layerOf[below] <= from {
				t.Errorf("%s imports %s, which does not lie below it", pkg, below)
			}
		}
	}
}

func TestReservedModulesStayWhereTheyBelong(t *testing.T) {
	for pkg, imported := range imports(t) {
		for _, path := range imported {
			for module, allowed := range reserved {
				if path != module && !strings.HasPrefix(path, module+"/") {
					continue
				}
				if !slices.ContainsFunc(allowed, func(a string) bool { return pkg == a || strings.HasPrefix(pkg, a+"/") }) {
					t.Errorf("%s imports %s, which is for %v", pkg, path, allowed)
				}
			}
		}
	}
}

// TestNothingElseLinksTheSDK keeps the test binaries of the core small: compiling the SDK takes minutes, linking it
// seconds each.
func TestNothingElseLinksTheSDK(t *testing.T) {
	for _, pkg := range []string{
		"mcp", "schemas", "eventcore", "eventcore/bus", "eventcore/consume", "eventcore/journal", "eventcore/source/frame",
		"eventcore/source/lark", "eventcore/source/larksim", "eventcore/testutil", "cmd/lark-events-bench",
	} {
		out, err := exec.Command("go", "list", "-deps", "-test", "./"+pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		if strings.Contains(string(out), "oapi-sdk-go") {
			t.Errorf("the tests of %s link the Lark SDK", pkg)
		}
	}
}

// TestNothingCompilesTheSDKsServices keeps builds short: the SDK's services, and the dispatcher, which imports them, are
// half a million lines. Package keys/internal/platform has the types of theirs that we need.
func TestNothingCompilesTheSDKsServices(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{"\t"}}{{join .Deps "\t"}}`, "-test", "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		packages := strings.Split(strings.TrimSpace(line), "\t")
		for _, large := range []string{"oapi-sdk-go/v3/service/", "oapi-sdk-go/v3/event/dispatcher"} {
			if i := slices.IndexFunc(packages, func(pkg string) bool { return strings.Contains(pkg, large) }); i > 0 {
				t.Errorf("%s depends on %s", packages[0], packages[i])
			}
		}
	}
}
