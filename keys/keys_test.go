package keys

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRegisterIsIdempotent(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	Register()
	eventcore.UnregisterKeyForTest("im.chat.updated_v1")
	Register()
	var names []string
	for _, def := range eventcore.ListAll() {
		names = append(names, def.Key)
	}
	want := []string{
		"application.bot.menu_v6",
		"approval.instance.status_changed_v4",
		"approval.task.status_changed_v4",
		"board.whiteboard.updated_v1",
		"card.action.trigger",
		"contact.department.created_v3",
		"contact.department.deleted_v3",
		"contact.department.updated_v3",
		"contact.user.created_v3",
		"contact.user.deleted_v3",
		"contact.user.updated_v3",
		"calendar.calendar.acl.created_v4",
		"calendar.calendar.acl.deleted_v4",
		"calendar.calendar.changed_v4",
		"calendar.calendar.event.changed_v4",
		"drive.file.bitable_field_changed_v1",
		"drive.file.bitable_record_changed_v1",
		"drive.file.created_in_folder_v1",
		"drive.file.deleted_v1",
		"drive.file.edit_v1",
		"drive.file.permission_member_added_v1",
		"drive.file.permission_member_applied_v1",
		"drive.file.permission_member_removed_v1",
		"drive.file.read_v1",
		"drive.file.title_updated_v1",
		"drive.file.trashed_v1",
		"drive.notice.comment_add_v1",
		"event.any",
		"im.chat.access_event.bot_p2p_chat_entered_v1",
		"im.chat.disbanded_v1",
		"im.chat.member.bot.added_v1",
		"im.chat.member.bot.deleted_v1",
		"im.chat.member.user.added_v1",
		"im.chat.member.user.deleted_v1",
		"im.chat.member.user.withdrawn_v1",
		"im.chat.updated_v1",
		"im.message.message_read_v1",
		"im.message.reaction.created_v1",
		"im.message.reaction.deleted_v1",
		"im.message.receive_v1",
		"task.task.update_user_access_v2",
		"minutes.minute.generated_v1",
		"vc.bot.meeting_activity_v1",
		"vc.bot.meeting_ended_v1",
		"vc.bot.meeting_invited_v1",
		"vc.meeting.participant_meeting_ended_v1",
		"vc.meeting.participant_meeting_joined_v1",
		"vc.meeting.participant_meeting_started_v1",
		"vc.note.generated_v1",
		"vc.recording.recording_ended_v1",
		"vc.recording.recording_started_v1",
		"vc.recording.recording_transcript_generated_v1",
		"mail.user_mailbox.event.message_received_v1",
	}
	if !slices.Equal(names, want) {
		t.Errorf("registered %v", names)
	}
}

// withoutScopes are the keys whose events the platform sends without any scope.
var withoutScopes = []string{"application.bot.menu_v6"}

func TestEveryKeySaysWhatAModelNeeds(t *testing.T) {
	for _, def := range All() {
		t.Run(def.Key, func(t *testing.T) {
			if def.DisplayName == "" || len(def.DisplayName) > 60 || len(def.Description) < 80 {
				t.Errorf("title %q, description %q", def.DisplayName, def.Description)
			}
			if len(def.AuthTypes) == 0 {
				t.Error("no identity")
			}
			if def.EventType == eventcore.AnyEventType {
				return
			}
			if (len(def.Scopes) == 0) != slices.Contains(withoutScopes, def.Key) || !slices.Equal(def.RequiredConsoleEvents, []string{def.EventType}) {
				t.Errorf("scopes %v, console events %v", def.Scopes, def.RequiredConsoleEvents)
			}
		})
	}
}

func TestEveryExampleSatisfiesItsSchema(t *testing.T) {
	eventcore.ResetRegistryForTest()
	t.Cleanup(eventcore.ResetRegistryForTest)
	Register()
	for _, def := range eventcore.ListAll() {
		t.Run(def.Key, func(t *testing.T) {
			raw, err := eventcore.PayloadSchema(def.Key)
			if err != nil {
				t.Fatal(err)
			}
			schema := compile(t, raw)
			example := decode(t, def.Example)
			if err := schema.Validate(example); err != nil {
				t.Error(err)
			}
			if unknown := undescribed(decode(t, raw), example, ""); len(unknown) > 0 && def.EventType != eventcore.AnyEventType {
				t.Errorf("members of the example that the schema does not know: %v", unknown)
			}
			compareGolden(t, def.Key, raw)
			if raw, err = eventcore.ParamsSchema(def.Key); err != nil {
				t.Fatal(err)
			}
			compile(t, raw)
		})
	}
}

func TestEveryExampleFileBelongsToAKey(t *testing.T) {
	known := map[string]bool{}
	for _, def := range All() {
		known[def.Key] = true
	}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(filepath.Dir(path)) != "examples" {
			return err
		}
		if !known[strings.TrimSuffix(entry.Name(), ".json")] {
			t.Errorf("%s is the example of no key", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// undescribed returns the members of value that the schema, open as it is, has no property for. An object without
// properties is free in what it holds.
func undescribed(schema, value any, path string) []string {
	s, _ := schema.(map[string]any)
	var unknown []string
	switch v := value.(type) {
	case map[string]any:
		properties, described := s["properties"].(map[string]any)
		for name, member := range v {
			property, ok := properties[name]
			if !ok && described {
				unknown = append(unknown, path+"/"+name)
				continue
			}
			unknown = append(unknown, undescribed(property, member, path+"/"+name)...)
		}
	case []any:
		for _, item := range v {
			unknown = append(unknown, undescribed(s["items"], item, path+"/*")...)
		}
	}
	return unknown
}

func compile(t *testing.T, raw json.RawMessage) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", decode(t, raw)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func decode(t *testing.T, raw []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return value
}

func compareGolden(t *testing.T, key string, schema []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, schema, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	path := filepath.Join("testdata", "schemas", key+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("%s differs; run go test -update and look at the diff", path)
	}
}
