//go:build unix

package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// conformant are the scenarios of the suite that the server passes whole, but for the checks in leftOut, by protocol
// version.
var conformant = map[string][]string{
	"2025-11-25": {
		"completion-complete", "dns-rebinding-protection", "logging-set-level", "ping", "prompts-list", "resources-list",
		"server-initialize", "server-session-lifecycle", "server-sse-multiple-streams", "tools-list",
	},
	"2026-07-28": {
		"caching", "completion-complete", "dns-rebinding-protection", "http-header-validation",
		"input-required-result-unsupported-methods", "prompts-list", "resources-list", "sep-2164-resource-not-found",
		"server-sse-multiple-streams", "server-stateless", "tools-list",
	},
}

// What scenarios are left out for.
const (
	ownTool     = "calls a tool that only the suite's own example server has: "
	ownPrompt   = "gets a prompt that only the suite's own example server has: "
	ownResource = "reads a resource that only the suite's own example server has: "
	asksClient  = "is for servers that ask their clients for input, which this one never does, and calls the example server's "
	tasks       = "is for the extension io.modelcontextprotocol/tasks, which the server does not offer"
	neverChange = "is for lists that change, which these do not: listChanged is not declared"
)

// leftOut says of scenarios, and of single checks (scenario/check), why they are not among the conformant.
var leftOut = map[string]string{
	"tools-call-simple-text":               ownTool + "test_simple_text",
	"tools-call-image":                     ownTool + "test_image_content",
	"tools-call-audio":                     ownTool + "test_audio_content",
	"tools-call-embedded-resource":         ownTool + "test_embedded_resource",
	"tools-call-mixed-content":             ownTool + "test_multiple_content_types",
	"tools-call-with-logging":              ownTool + "test_tool_with_logging",
	"tools-call-with-progress":             ownTool + "test_tool_with_progress",
	"tools-call-error":                     ownTool + "test_error_handling",
	"tools-call-sampling":                  asksClient + "test_sampling",
	"tools-call-elicitation":               asksClient + "test_elicitation",
	"elicitation-sep1034-defaults":         asksClient + "test_elicitation_sep1034_defaults",
	"elicitation-sep1330-enums":            asksClient + "test_elicitation_sep1330_enums",
	"json-schema-2020-12":                  ownTool + "json_schema_2020_12_tool",
	"server-sse-polling":                   ownTool + "test_reconnection",
	"http-custom-header-server-validation": "is for tools with arguments that are repeated in headers (x-mcp-header): here there are none",

	"resources-read-text":      ownResource + "test://static-text",
	"resources-read-binary":    ownResource + "test://static-binary",
	"resources-templates-read": ownResource + "test://template/{id}/data",
	"resources-subscribe":      ownResource + "test://watched-resource",
	"resources-unsubscribe":    ownResource + "test://watched-resource",

	"prompts-get-simple":            ownPrompt + "test_simple_prompt",
	"prompts-get-with-args":         ownPrompt + "test_prompt_with_arguments",
	"prompts-get-embedded-resource": ownPrompt + "test_prompt_with_embedded_resource",
	"prompts-get-with-image":        ownPrompt + "test_prompt_with_image",

	"input-required-result-basic-elicitation":       asksClient + "test_input_required_result_elicitation",
	"input-required-result-basic-sampling":          asksClient + "test_input_required_result_sampling",
	"input-required-result-basic-list-roots":        asksClient + "test_input_required_result_list_roots",
	"input-required-result-request-state":           asksClient + "test_input_required_result_request_state",
	"input-required-result-multiple-input-requests": asksClient + "test_input_required_result_multiple_inputs",
	"input-required-result-multi-round":             asksClient + "test_input_required_result_multi_round",
	"input-required-result-missing-input-response":  asksClient + "test_input_required_result_elicitation",
	"input-required-result-non-tool-request":        asksClient + "test_input_required_result_prompt",
	"input-required-result-result-type":             asksClient + "test_input_required_result_elicitation",
	"input-required-result-tampered-state":          asksClient + "test_input_required_result_tampered_state",
	"input-required-result-capability-check":        asksClient + "test_input_required_result_capabilities",
	"input-required-result-ignore-extra-params":     asksClient + "test_input_required_result_elicitation",
	"input-required-result-validate-input":          asksClient + "test_input_required_result_elicitation",

	"tasks-lifecycle":              tasks,
	"tasks-capability-negotiation": tasks,
	"tasks-wire-fields":            tasks,
	"tasks-request-state-removal":  tasks,
	"tasks-mrtr-input":             tasks,
	"tasks-request-headers":        tasks,
	"tasks-dispatch-and-envelope":  tasks,
	"tasks-status-notifications":   tasks,
	"tasks-required-task-error":    tasks,
	"tasks-mrtr-composition":       tasks,

	"server-stateless/sep-2575-server-rejects-undeclared-capability":              asksClient + "test_missing_capability",
	"server-stateless/sep-2575-missing-capability-http-400":                       asksClient + "test_missing_capability",
	"server-stateless/sep-2575-http-server-no-independent-requests-on-stream":     asksClient + "test_streaming_elicitation",
	"server-stateless/sep-2575-server-no-log-without-loglevel":                    ownTool + "test_logging_tool",
	"server-stateless/sep-2575-server-sends-tools-list-changed-on-subscription":   neverChange,
	"server-stateless/sep-2575-server-sends-prompts-list-changed-on-subscription": neverChange,
}

// check is what the suite found in one place.
type check struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Error  string `json:"errorMessage"`
}

// passed: what was found is good, or is no more than a note.
func (c check) passed() bool { return c.Status == "SUCCESS" || c.Status == "INFO" }

// resultFolder is the folder that the suite makes for a scenario: its name, and the time.
var resultFolder = regexp.MustCompile(`^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$`)

// conformance runs all scenarios that the suite has for servers of a protocol version. Each must be known, so that those
// of a later version of the suite are looked at, and what the server sends must be valid in all of them.
func (n *node) conformance(t *testing.T, version, url string) {
	t.Helper()
	results := t.TempDir()
	// It ends with an error because of what is left out.
	out, err := n.run(t, "node_modules/.bin/conformance", "server", "--url", url, "--requirements", version, "--output-dir", results)
	found, readErr := os.ReadDir(results)
	if readErr != nil {
		t.Fatal(readErr)
	}
	var ran []string
	for _, folder := range found {
		name := resultFolder.FindStringSubmatch(folder.Name())
		if name == nil {
			t.Fatalf("%s is no folder of results", folder.Name())
		}
		ran = append(ran, name[1])
		checkScenario(t, name[1], slices.Contains(conformant[version], name[1]), filepath.Join(results, folder.Name(), "checks.json"))
	}
	for _, scenario := range conformant[version] {
		if !slices.Contains(ran, scenario) {
			t.Errorf("%s: was not run (%v):\n%s", scenario, err, out)
		}
	}
}

// checkScenario holds a scenario's results against the lists.
func checkScenario(t *testing.T, scenario string, whole bool, results string) {
	t.Helper()
	text, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var checks []check
	if err := json.Unmarshal(text, &checks); err != nil {
		t.Fatalf("%s: %v", results, err)
	}
	if whole == (leftOut[scenario] != "") {
		t.Errorf("%s: must be either among the conformant or left out", scenario)
	}
	if whole && !slices.ContainsFunc(checks, check.passed) {
		t.Errorf("%s: nothing was checked", scenario)
	}
	for _, c := range checks {
		if c.passed() || leftOut[scenario+"/"+c.ID] != "" {
			continue
		}
		if whole || c.ID == "wire-schema-valid" {
			t.Errorf("%s: %s %s: %s", scenario, c.Status, c.ID, c.Error)
		}
	}
}
