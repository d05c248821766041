package consume

import (
	"slices"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

func TestWarningsSayWhatTheConnectionLacksAndWhatToDo(t *testing.T) {
	refusal := &eventcore.Error{Code: eventcore.CodePlatformError, Message: "the app is disabled", Hint: "enable it in the console"}
	for name, test := range map[string]struct {
		state source.State
		want  []string
	}{
		"connected":  {source.State{Phase: source.Connected, OnlineConnections: 1}, nil},
		"connecting": {source.State{Phase: source.Connecting}, []string{"The connection to Lark is connecting; events arrive once it is up."}},
		"reconnecting": {
			source.State{Phase: source.Reconnecting, Detail: "connection reset; next attempt in 2s"},
			[]string{"The connection to Lark is reconnecting (connection reset; next attempt in 2s); events arrive once it is up."},
		},
		"refused": {source.State{Phase: source.Failed, Detail: refusal.Message, Err: refusal}, []string{
			"Lark refused the connection (the app is disabled), and no attempt is made until something is subscribed to again; " +
				"only what the journal has can be read. What helps: enable it in the console.",
		}},
		"shared": {source.State{Phase: source.Connected, OnlineConnections: 2}, []string{
			"This app has 2 connections open, and Lark gives each event to only one of them: some events go elsewhere. " +
				"Stop the other programs that use this app.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := warnings(test.state); !slices.Equal(got, test.want) {
				t.Errorf("got %q,\nwant %q", got, test.want)
			}
		})
	}
}
