package keysearch_test

import (
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/keysearch"
)

func TestSearchFindsTheBestFirst(t *testing.T) {
	def := func(key, title, description string) *eventcore.KeyDefinition {
		return &eventcore.KeyDefinition{Key: key, DisplayName: title, Description: description}
	}
	defs := []*eventcore.KeyDefinition{
		def("drive.file.edit_v1", "File edited", "A file changed; no message is sent."),
		def("im.chat.updated_v1", "Group changed", "Name or settings of a group chat."),
		def("im.message.message_read_v1", "Message read", "Someone read a message of the bot."),
		def("im.message.reaction.created_v1", "Reaction added", "Someone reacted to a message."),
		def("im.message.receive_v1", "Message received", "Someone wrote to the bot."),
	}
	index := keysearch.New(defs, nil)
	tests := []struct {
		query string
		want  string
	}{
		{"reaction", "im.message.reaction.created_v1"},
		{"message reactions", "im.message.reaction.created_v1"},
		{"im.message.receive_v1", "im.message.receive_v1"},
		{"  IM.CHAT ", "im.chat.updated_v1"},
		{"group", "im.chat.updated_v1"},
		{"edited files", "drive.file.edit_v1"},
		{"received", "im.message.receive_v1"},
	}
	for _, test := range tests {
		found := index.Find(test.query)
		if len(found) == 0 || found[0].Key != test.want {
			t.Errorf("%q finds %v first, want %s", test.query, found, test.want)
		}
	}
	if found := index.Find("payroll"); len(found) != 0 {
		t.Errorf("payroll finds %d keys", len(found))
	}
	if found := index.Find(" … "); len(found) != len(defs) {
		t.Errorf("a query without words finds %d keys, want all", len(found))
	}
	// A word in the title outweighs one in the description.
	if found := index.Find("file"); found[0].Key != "drive.file.edit_v1" || len(found) != 1 {
		t.Errorf("file finds %v", found)
	}
}
