package im

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestForwardedMessagesAreATree(t *testing.T) {
	const root = `{"message_id":"om_top","msg_type":"merge_forward","body":{"content":"Merged and Forwarded Message"}}`
	text := func(ids, created, text string) string {
		return `{` + ids + `,"msg_type":"text","create_time":` + created + `,"body":{"content":"{\"text\":\"` + text + `\"}"}}`
	}
	forward := func(ids string) string { return `{` + ids + `,"msg_type":"merge_forward","body":{"content":""}}` }
	tests := []struct {
		name  string
		items []string
		want  string
	}{
		{"children that name nothing above them", []string{root, text(`"message_id":"om_1"`, `""`, "one"), text(`"message_id":"om_2","upper_message_id":""`, `""`, "two")},
			"- one\n- two"},
		{"children of a message that was not returned", []string{root, text(`"message_id":"om_1","upper_message_id":"om_gone"`, `""`, "one")}, "- one"},
		{"the forward itself, below itself", []string{forward(`"message_id":"om_top","upper_message_id":"om_top"`), text(`"message_id":"om_1","upper_message_id":"om_top"`, `""`, "one")},
			"- one"},
		{"out of order", []string{
			text(`"message_id":"om_3"`, `"1767340002000"`, "three"), root,
			text(`"message_id":"om_1","upper_message_id":"om_top"`, `1767340000000`, "one"),
			text(`"message_id":"om_2"`, `"1767340001000"`, "two"), text(`"message_id":"om_4"`, `"1767340001000"`, "two again"), text(`"message_id":"om_5"`, `""`, "no time"),
		}, "- 2026-01-02T07:46:40Z: one\n- 2026-01-02T07:46:41Z: two\n- 2026-01-02T07:46:41Z: two again\n- no time\n- 2026-01-02T07:46:42Z: three"},
		{"times of other lengths", []string{text(`"message_id":"om_2"`, `"1000000000000"`, "later"), text(`"message_id":"om_1"`, `"999999999000"`, "sooner")},
			"- 2001-09-09T01:46:39Z: sooner\n- 2001-09-09T01:46:40Z: later"},
		{"nested, out of order", []string{
			forward(`"message_id":"om_2"`), text(`"message_id":"om_4","upper_message_id":"om_2"`, `"1767340001000"`, "second"),
			text(`"message_id":"om_3","upper_message_id":"om_2"`, `"1767340000000"`, "first"), root,
		}, "- [merge_forward]\n  - 2026-01-02T07:46:40Z: first\n  - 2026-01-02T07:46:41Z: second"},
		{"a circle below the root", []string{
			root, forward(`"message_id":"om_1","upper_message_id":"om_top"`), forward(`"message_id":"om_2","upper_message_id":"om_1"`),
			forward(`"message_id":"om_1","upper_message_id":"om_2"`), forward(`"message_id":"om_2","upper_message_id":"om_2"`),
		}, "- [merge_forward]\n  - [merge_forward]\n    - [merge_forward]\n    - [merge_forward]"},
		{"a circle beside the root", []string{
			text(`"message_id":"om_3"`, `""`, "one"), forward(`"message_id":"om_1","upper_message_id":"om_2"`), forward(`"message_id":"om_2","upper_message_id":"om_1"`),
		}, "- one"},
		{"cards as they were sent", []string{
			root, `{"message_id":"om_1","msg_type":"interactive","body":{"content":"{\"schema\":\"2.0\",\"body\":{\"elements\":[{\"tag\":\"markdown\",\"content\":\"green\"}]}}"}}`,
		}, "- green"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &fakeAPI{answers: map[string]string{readForward("om_top"): `{"items":[` + strings.Join(tt.items, ",") + `]}`}}
			got, err := fetchForward(t.Context(), api, "om_top")
			if err != nil || got != "Forwarded messages:\n"+tt.want {
				t.Errorf("%s, error %v, want\n%s", got, err, tt.want)
			}
		})
	}
}

func TestForwardThatMayNotBeReadNamesWhatGroupsNeed(t *testing.T) {
	inGroup := &eventcore.Error{
		Code: eventcore.CodePlatformError, PlatformCode: 230027, Hint: "look the code up",
		Message: "the platform refused: code 230027, Lack of necessary permissions, ext=need scope: im:message.group_msg",
	}
	for name, tt := range map[string]struct {
		refusal error
		scopes  []string
		hint    string
	}{
		"no scope":                     {keytest.Denied(), []string{"im:message:readonly"}, "the lookup needs im:message:readonly; to read messages of groups it needs im:message.group_msg as well"},
		"no scope, the platform names": {keytest.Denied("im:message"), []string{"im:message"}, "; to read messages of groups it needs im:message.group_msg as well"},
		"no scope for groups":          {inGroup, []string{"im:message.group_msg"}, "add im:message.group_msg to the app"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fetchForward(t.Context(), &fakeAPI{err: tt.refusal}, "om_1")
			var failure *eventcore.Error
			if !errors.As(err, &failure) || failure.Code != eventcore.CodePermissionDenied || !slices.Equal(failure.Scopes, tt.scopes) ||
				!strings.Contains(failure.Hint, tt.hint) || !strings.Contains(failure.Message, "the forwarded messages could not be looked up") {
				t.Errorf("error %+v", failure)
			}
		})
	}
}
