package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exampleLeaves returns what the examples of all native keys hold at their leaves, as "EVENT TYPE/POINTER", with * for
// the items of arrays.
func exampleLeaves(t *testing.T) map[string]any {
	t.Helper()
	files, err := generate(load(t))
	if err != nil {
		t.Fatal(err)
	}
	leaves := map[string]any{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				walk(at+"/"+name, member)
			}
		case []any:
			for _, item := range value {
				walk(at+"/*", item)
			}
		default:
			leaves[at] = value
		}
	}
	for name, raw := range files {
		key, isExample := strings.CutPrefix(strings.TrimSuffix(filepath.ToSlash(name), ".json"), "native/examples/")
		if !isExample {
			continue
		}
		var example struct{ Event any }
		if err := json.Unmarshal(raw, &example); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		walk(key, example.Event)
	}
	return leaves
}

// openDepartmentID is how the platform writes the id of a department for an app. Others are the company's own.
var openDepartmentID = regexp.MustCompile(`^od-[0-9a-f]{32}$`)

func TestExamplesLookLikeWhatThePlatformSends(t *testing.T) {
	leaves := exampleLeaves(t)
	for at, value := range leaves {
		text, _ := value.(string)
		if (strings.HasSuffix(at, "/open_department_id") || strings.HasPrefix(text, "od")) && !openDepartmentID.MatchString(text) {
			t.Errorf("%s: %q is no id of a department", at, text)
		}
		if text == "text" && !strings.HasSuffix(at, "/msg_type") {
			t.Errorf("%s: an example that says nothing: add its name to exampleWords, or an example to its table", at)
		}
	}
	const phone = "+8613800000000"
	for at, want := range map[string]any{
		"helpdesk.ticket_message.created_v1/ticket/guest/name":                            examplePerson,
		"helpdesk.ticket_message.created_v1/ticket/agents/*/name":                         examplePerson,
		"helpdesk.ticket_message.created_v1/ticket/comments/*/user_name":                  examplePerson,
		"hire.eco_exam.created_v1/candidate_info/name":                                    examplePerson,
		"hire.eco_exam.created_v1/candidate_info/mobile/number":                           "13800000000",
		"hire.eco_exam.created_v1/job_info/addresses/*/country/name/en_us":                "China",
		"contact.scope.updated_v3/added/users/*/en_name":                                  examplePerson,
		"contact.scope.updated_v3/added/users/*/mobile":                                   phone,
		"contact.scope.updated_v3/added/departments/*/i18n_name/en_us":                    "Engineering",
		"elearning.course_registration.created_v2/learner/phone":                          phone,
		"meeting_room.meeting_room.created_v1/room_name":                                  "Meeting room 7",
		"application.application.app_version.publish_apply_v6/online_version/i18n/*/name": "Expense helper",
	} {
		if got := leaves[at]; got != want {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}

func TestNamesOfTelephonesAreNumbersInExamples(t *testing.T) {
	for _, name := range []string{"mobile", "phone", "telephone", "work_phone"} {
		f := describedField{field: field{pointer: "/" + name, name: name, typ: "string", kind: kindOf(name, "string")}}
		if got := f.exampleValue(); got != "+8613800000000" {
			t.Errorf("%s: %v", name, got)
		}
	}
}
