package keys

import (
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/anyevent"
	"github.com/larkevents/lark-events-mcp/keys/application"
	"github.com/larkevents/lark-events-mcp/keys/approval"
	"github.com/larkevents/lark-events-mcp/keys/board"
	"github.com/larkevents/lark-events-mcp/keys/card"
	"github.com/larkevents/lark-events-mcp/keys/contact"
	"github.com/larkevents/lark-events-mcp/keys/drive"
	"github.com/larkevents/lark-events-mcp/keys/im"
	"github.com/larkevents/lark-events-mcp/keys/task"
	"github.com/larkevents/lark-events-mcp/keys/minutes"
	"github.com/larkevents/lark-events-mcp/keys/vc"
	"github.com/larkevents/lark-events-mcp/keys/calendar"
	"github.com/larkevents/lark-events-mcp/keys/mail"
)

// All returns the definitions of all keys, domain by domain.
func All() []eventcore.KeyDefinition {
	return slices.Concat(
		im.Keys(),
		card.Keys(),
		application.Keys(),
		approval.Keys(),
		task.Keys(),
		board.Keys(),
		contact.Keys(),
		vc.Keys(),
		minutes.Keys(),
		mail.Keys(),
		calendar.Keys(),
		drive.Keys(),
		anyevent.Keys(),
	)
}

// Register adds every key that is not in the registry yet; calling it again changes nothing. It panics on a
// definition that breaks the contract of [eventcore.RegisterKey]. It must not be called from several goroutines
// at once.
func Register() {
	for _, def := range All() {
		if _, ok := eventcore.Lookup(def.Key); !ok {
			eventcore.RegisterKey(def)
		}
	}
}
