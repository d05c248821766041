package keys

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// refusing is a platform that refuses whatever it is asked.
type refusing struct{}

func (refusing) CallAPI(context.Context, string, string, any) (json.RawMessage, error) {
	return nil, &eventcore.Error{Code: eventcore.CodePlatformError, Message: "no", Hint: "ask again"}
}

// Whatever the params are, as JSON or as a command line gives them, each key takes them or says which is wrong and what
// it accepts; what it takes it takes again in the form it gave it.
func FuzzParams(f *testing.F) {
	Register()
	f.Cleanup(eventcore.ResetRegistryForTest)
	all := eventcore.ListAll()
	index := map[string]int{}
	for i, def := range all {
		index[def.Key] = i
	}
	for _, seed := range [][2]string{
		{"im.message.receive_v1", `{"chat_type":"p2p"}`}, {"event.any", `{"event_type":"a.b_v1"}`}, {"mail.user_mailbox.event.message_received_v1", `{"mailbox":"me"}`},
		{"board.whiteboard.updated_v1", `{"whiteboard_id":"https://example.feishu.cn/wiki/x?board=y"}`}, {"approval.task.status_changed_v4", `{"x":[1e400,{"a":null}]}`},
		{"drive.file.edit_v1", `{"file":"https://example.feishu.cn/docx/../x","file_type":["docx"]}`},
		{"calendar.calendar.event.changed_v4", `{"calendar_id":"primary"}`},
		{"card.action.trigger", `{"content":true}`},
		{"vc.bot.meeting_activity_v1", `{"items":"chat,,  transcript"}`},
		{"im.message.reaction.created_v1", `{"":"","\u0000":1}`},
		{"task.task.update_user_access_v2", `{"detail":-9223372036854775809}`},
		{"im.chat.member.bot.added_v1", `[]`},
		{"drive.file.bitable_record_changed_v1", `{"file":"\ud800","table":"%2e%2e/"}`},
	} {
		key, params := seed[0], seed[1]
		if _, ok := index[key]; !ok {
			f.Fatalf("there is no key %s", key)
		}
		f.Add(uint16(index[key]), params)
	}
	f.Add(uint16(index["event.any"]), "event_type=a.b_v1")
	f.Add(uint16(index["im.message.receive_v1"]), "chat_type=p2p\nmentions_me=TRUE")
	f.Fuzz(func(t *testing.T, key uint16, text string) {
		def := all[int(key)%len(all)]
		given := map[string]any{}
		if json.Unmarshal([]byte(text), &given) != nil {
			for line := range strings.Lines(text) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				given[name] = value
			}
		}
		params, err := eventcore.ResolveParams(def, given)
		if err == nil && def.NormalizeParams != nil {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err = def.NormalizeParams(ctx, refusing{}, params)
			if ctx.Err() != nil {
				t.Errorf("%s takes more than 10 s for %q", def.Key, text)
			}
		}
		if err != nil {
			var e *eventcore.Error
			_, nameless := given[""]
			if !errors.As(err, &e) || e.Hint == "" || e.Code == eventcore.CodeInvalidParams && e.Param == "" && !nameless {
				t.Errorf("%s refuses %q with %#v", def.Key, text, err)
			}
			if e != nil && len(e.Message) > 5000 {
				t.Errorf("%s refuses with %d bytes", def.Key, len(e.Message))
			}
			return
		}
		again, err := eventcore.ResolveParams(def, eventcore.TypedParams(def, params))
		if err == nil && def.NormalizeParams != nil {
			err = def.NormalizeParams(t.Context(), refusing{}, again)
		}
		if err != nil || !maps.Equal(params, again) {
			t.Errorf("%s takes %q as %v, and that as %v, %v", def.Key, text, params, again, err)
		}
	})
}
